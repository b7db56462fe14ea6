import { REDUCING_ACTS, signedStatementSchema, type SignalAct, type SignedStatement } from '../domain/statement.js';
import type { StatementRefusal } from '../domain/verdict.js';
import type { PendingStatement } from './protocol.js';

/** At most this many statements and bytes are verified at a time. */
const BATCH = 256;
const BATCH_BYTES = 1024 * 1024;
/** An act is a few hundred bytes of JSON and a signature; only a request is longer, and none arrives here. */
const MAX_ACT_PAYLOAD = 2 * 1024;
const MAX_ACT_SIGNATURE = 4 * 1024;
/**
 * What may wait in memory. Reducing acts have room for more than the server itself takes in one run (10,000 signals, 50 MiB
 * of history), so that no flood of forged kills can keep a real one out.
 */
const ROOM = { reducing: 64 * 1024 * 1024, others: 4 * 1024 * 1024 };
/**
 * All that waits to be heard, reducing acts first. Signal arguments are attacker-controlled: nothing here throws, and a
 * flood of approvals cannot push out a kill, because the two have rooms of their own.
 */
export class Inbox {
  private readonly reducing: PendingStatement[] = [];
  private readonly others: PendingStatement[] = [];
  private bytes = { reducing: 0, others: 0 };
  /** Refused before verification: what did not even have the shape of a statement. */
  readonly unreadable: { signal: SignalAct; reason: StatementRefusal }[] = [];

  constructor(pending: readonly PendingStatement[] = []) {
    for (const { signal, envelope } of pending) this.put(signal, envelope);
  }

  put(signal: SignalAct, input: unknown): void {
    const parsed = signedStatementSchema.safeParse(input);
    if (!parsed.success) {
      this.reject(signal, reasonOf(input));
      return;
    }
    const { payload, signature } = parsed.data;
    if (payload.length > MAX_ACT_PAYLOAD || signature.length > MAX_ACT_SIGNATURE) {
      this.reject(signal, 'too_large');
      return;
    }
    const lane = REDUCING_ACTS.has(signal) ? 'reducing' : 'others';
    const size = sizeOf(parsed.data);
    if (this.bytes[lane] + size > ROOM[lane]) {
      this.reject(signal, 'too_many');
      return;
    }
    this.bytes[lane] += size;
    this[lane].push({ signal, envelope: parsed.data });
  }

  private reject(signal: SignalAct, reason: StatementRefusal): void {
    this.unreadable.push({ signal, reason });
  }

  get isEmpty(): boolean {
    return this.reducing.length + this.others.length + this.unreadable.length === 0;
  }

  /** The next statements to verify: reducing acts first, in the order they came. */
  take(): PendingStatement[] {
    const batch: PendingStatement[] = [];
    let room = BATCH_BYTES;
    for (const lane of ['reducing', 'others'] as const) {
      while (batch.length < BATCH && this[lane][0] !== undefined && sizeOf(this[lane][0].envelope) <= room) {
        const next = this[lane].shift();
        if (next === undefined) break;
        const size = sizeOf(next.envelope);
        this.bytes[lane] -= size;
        room -= size;
        batch.push(next);
      }
    }
    return batch;
  }

  takeUnreadable(): { signal: SignalAct; reason: StatementRefusal }[] {
    return this.unreadable.splice(0);
  }

  /** How much waits, in bytes. */
  get bytesWaiting(): number {
    return this.bytes.reducing + this.bytes.others;
  }

  /** What still waits, to be carried into the next run. */
  waiting(): PendingStatement[] {
    return [...this.reducing, ...this.others];
  }
}

/** The size of a batch, in bytes. */
export const bytesOf = (batch: readonly PendingStatement[]): number =>
  batch.reduce((sum, { envelope }) => sum + sizeOf(envelope), 0);

const sizeOf = (envelope: SignedStatement): number => envelope.payload.length + envelope.signature.length;

function reasonOf(input: unknown): StatementRefusal {
  if (typeof input !== 'object' || input === null) return 'malformed';
  if ('undecodable' in input) return 'undecodable';
  const { payload, signature } = input as Record<string, unknown>;
  const long = [payload, signature].some((text) => typeof text === 'string' && text.length > MAX_ACT_SIGNATURE);
  return long ? 'too_large' : 'malformed';
}
