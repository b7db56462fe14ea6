import { hash } from 'node:crypto';
import type { MeasuredEvent } from '../../domain/component-policy.js';
import { eventTypeName } from '../../domain/event-types.js';
import { hashById, type TpmHash } from './tpm-algorithms.js';

/** Why a file is not an event log that can be replayed; `at` is the offset of the event in bytes. */
export interface EventLogFault {
  at: number;
  detail: string;
}

/** The PCR values that a log leads to, of the banks that were asked for and that it has. */
export interface Replay {
  /** By bank name and index; a PCR that no event extends is not in it. */
  values: Map<string, Map<number, Buffer>>;
  /** Banks that the log has digests of. */
  banks: string[];
  /** Events, the header and those that extend nothing included. */
  events: number;
  /** The locality from which the TPM was started, with which PCR 0 begins. */
  locality: number;
  /** By bank name and index, what was extended, in that order; of the PCRs that were watched. */
  measured: Map<string, Map<number, MeasuredEvent[]>>;
}

/** PCRs whose single events are wanted too. */
export type Watched = (bank: string, index: number) => boolean;

export type ReplayResult = { ok: true; value: Replay } | { ok: false; fault: EventLogFault };

const MAX_LOG_BYTES = 16 * 1024 * 1024;
const MAX_EVENTS = 65_536;
const MAX_BANKS = 8;
const PCRS = 24;
const EV_NO_ACTION = 3;
const SPEC_ID = Buffer.from('Spec ID Event03\0', 'latin1');
const STARTUP_LOCALITY = Buffer.from('StartupLocality\0', 'latin1');
const LOCALITIES: readonly number[] = [0, 3, 4];

class LogError extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Replays a crypto-agile event log of the firmware (TCG PC Client Platform Firmware Profile 1.05 §10), little-endian, for
 * the banks asked for.
 *
 * The log is attacker-controlled even when the quote is genuine: only call it for a quote whose signature has been checked,
 * and believe only what the quoted values confirm. Bounded at 16 MiB and 65,536 events; never throws. What an event is about
 * (its data) is not confirmed by any PCR and is not read; its type is not confirmed either.
 */
export function replayEventLog(
  bytes: Uint8Array,
  wanted: readonly TpmHash[],
  watched: Watched = () => false,
): ReplayResult {
  if (bytes.length > MAX_LOG_BYTES)
    return { ok: false, fault: { at: 0, detail: `${bytes.length} bytes, at most ${MAX_LOG_BYTES} are read` } };
  const log = new Log(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    return { ok: true, value: replay(log, wanted, watched) };
  } catch (error) {
    if (error instanceof LogError) return { ok: false, fault: { at: error.at, detail: error.message } };
    throw error;
  }
}

function replay(log: Log, wanted: readonly TpmHash[], watched: Watched): Replay {
  const sizes = readHeader(log);
  const banks = wanted.filter(({ id }) => sizes.has(id));
  const values = new Map<string, Map<number, Buffer>>();
  const measured: Replay['measured'] = new Map();
  const extend = new Map<number, ReturnType<typeof extender>>();
  for (const bank of banks) {
    const pcrs = new Map<number, Buffer>();
    values.set(bank.name, pcrs);
    extend.set(bank.id, extender(bank, pcrs));
  }
  let events = 1;
  let locality = 0;
  while (log.remaining > 0) {
    events += 1;
    log.begin();
    if (events > MAX_EVENTS) throw log.error(`more than ${MAX_EVENTS} events`);
    const index = log.uint32();
    const type = log.uint32();
    const digests = readDigests(log, sizes);
    const data = log.take(log.uint32());
    if (type === EV_NO_ACTION) {
      const started = startupLocality(data);
      if (started === undefined) continue;
      if (index !== 0 || [...values.values()].some((pcrs) => pcrs.has(0)))
        throw log.error('the startup locality comes after PCR 0 was extended, or for another PCR');
      if (!LOCALITIES.includes(started)) throw log.error(`a TPM is not started from locality ${started}`);
      locality = started;
      continue;
    }
    if (index >= PCRS) throw log.error(`there is no PCR ${index}`);
    for (const [id, into] of extend) {
      const digest = digests.get(id);
      if (digest === undefined) throw log.error(`PCR ${index} has no digest for every bank of the log`);
      into(index, digest, locality);
    }
    for (const { id, name } of banks)
      if (watched(name, index))
        keep(measured, name, index, { event_type: eventTypeName(type), digest: hexOf(digests.get(id)) });
  }
  const names = [...sizes.keys()].flatMap((id) => hashById(id)?.name ?? []);
  return { values, banks: names, events, locality, measured };
}

const hexOf = (digest: Buffer | undefined): string => digest?.toString('hex') ?? '';

function keep(measured: Replay['measured'], bank: string, index: number, event: MeasuredEvent): void {
  const pcrs = measured.get(bank) ?? new Map<number, MeasuredEvent[]>();
  const events = pcrs.get(index) ?? [];
  events.push(event);
  measured.set(bank, pcrs.set(index, events));
}

/** `PCR := H(PCR || digest)`; PCR 0 begins with the locality that the TPM was started from, all others with zeros. */
function extender(bank: TpmHash, pcrs: Map<number, Buffer>) {
  const joined = Buffer.alloc(bank.bytes * 2);
  return (index: number, digest: Buffer, locality: number): void => {
    const before = pcrs.get(index);
    if (before === undefined) {
      joined.fill(0, 0, bank.bytes);
      if (index === 0) joined[bank.bytes - 1] = locality;
    } else before.copy(joined, 0);
    digest.copy(joined, bank.bytes);
    pcrs.set(index, hash(bank.node, joined, 'buffer'));
  };
}

/** The first event is written in the old form with one SHA-1 digest, and tells which banks the others have. */
function readHeader(log: Log): Map<number, number> {
  log.begin();
  if (log.uint32() !== 0 || log.uint32() !== EV_NO_ACTION) throw log.error('expected a "Spec ID Event03" first');
  log.take(20);
  const length = log.uint32();
  const end = log.at + length;
  const signature = log.take(SPEC_ID.length);
  if (!signature.equals(SPEC_ID)) throw log.error('expected a crypto-agile log, which begins with "Spec ID Event03"');
  log.take(8); // platform class, version, errata, size of UINTN
  const count = log.uint32();
  if (count < 1 || count > MAX_BANKS) throw log.error(`the log has ${count} banks, 1 to ${MAX_BANKS} are possible`);
  const sizes = new Map<number, number>();
  for (let bank = 0; bank < count; bank += 1) {
    const [id, size] = [log.uint16(), log.uint16()];
    const known = hashById(id);
    if (sizes.has(id) || size < 1 || size > 64 || (known !== undefined && known.bytes !== size))
      throw log.error('a bank comes twice, or with a wrong size');
    sizes.set(id, size);
  }
  log.take(log.uint8());
  if (log.at !== end) throw log.error('the first event is not as long as it says');
  return sizes;
}

function readDigests(log: Log, sizes: ReadonlyMap<number, number>): Map<number, Buffer> {
  const count = log.uint32();
  if (count > sizes.size) throw log.error(`an event has ${count} digests, and the log ${sizes.size} banks`);
  const digests = new Map<number, Buffer>();
  for (let at = 0; at < count; at += 1) {
    const id = log.uint16();
    const size = sizes.get(id);
    if (size === undefined || digests.has(id)) throw log.error('an event has a digest of no bank, or two of one');
    digests.set(id, log.take(size));
  }
  return digests;
}

function startupLocality(data: Buffer): number | undefined {
  if (data.length !== STARTUP_LOCALITY.length + 1) return undefined;
  return data.subarray(0, STARTUP_LOCALITY.length).equals(STARTUP_LOCALITY) ? data[STARTUP_LOCALITY.length] : undefined;
}

/** Little-endian reading with every length held against what remains. */
class Log {
  at = 0;
  private began = 0;

  constructor(private readonly bytes: Buffer) {}

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  begin(): void {
    this.began = this.at;
  }

  error(message: string): LogError {
    return new LogError(this.began, message);
  }

  take(length: number): Buffer {
    return this.bytes.subarray(this.advance(length), this.at);
  }

  uint8(): number {
    return this.bytes.readUInt8(this.advance(1));
  }

  uint16(): number {
    return this.bytes.readUInt16LE(this.advance(2));
  }

  uint32(): number {
    return this.bytes.readUInt32LE(this.advance(4));
  }

  private advance(length: number): number {
    if (length > this.remaining) throw this.error('it ends in the middle of an event');
    const from = this.at;
    this.at += length;
    return from;
  }
}
