import { setTimeout as sleep } from 'node:timers/promises';
import { parseTpm, tpmSized, tpmUint16, tpmUint32, type TpmReader } from '../../proofs/tpm/tpm-wire.js';
import { TpmError } from './tpm-error.js';
import type { TpmTransport } from './tpm-transport.js';

/** TPM_CC, TPM 2.0 Part 2 §6.5.2. */
export const TPM_CC = {
  evictControl: 0x120,
  createPrimary: 0x131,
  activateCredential: 0x147,
  nvRead: 0x14e,
  policySecret: 0x151,
  create: 0x153,
  load: 0x157,
  quote: 0x158,
  flushContext: 0x165,
  nvReadPublic: 0x169,
  readPublic: 0x173,
  startAuthSession: 0x176,
  pcrRead: 0x17e,
  readClock: 0x181,
} as const;

const ST_NO_SESSIONS = 0x8001;
const ST_SESSIONS = 0x8002;
/** The pseudo-session whose authorisation is a password, here the empty one. */
export const RS_PW = 0x40000009;
const CONTINUE_SESSION = 1;

/** What passes by itself: the same bytes are sent again. RETRY comes after every boot, at the first use of a key. */
const SEND_AGAIN: ReadonlyMap<number, string> = new Map([
  [0x908, 'TPM_RC_YIELDED'],
  [0x90a, 'TPM_RC_TESTING'],
  [0x922, 'TPM_RC_RETRY'],
  [0x923, 'TPM_RC_NV_UNAVAILABLE'],
]);
const RC_LOCKOUT = 0x921;
const ATTEMPTS = 20;
const PAUSE_MS = 20;
const MAX_RESPONSE_BYTES = 4096;

/** One command: its code, handles, the sessions that authorise the first of them, and its parameters. */
export interface TpmCommand {
  code: number;
  handles?: readonly number[];
  sessions?: readonly number[];
  parameters?: Buffer;
  /** How many handles come back before the parameters. */
  handlesBack?: number;
}

/**
 * Sends a command, again while the TPM says that it only needs time, and reads handles and parameters of the answer with
 * `read`, which must take all of them.
 *
 * @throws {TpmError} `unreachable`, `busy`, `lockout`, `refused` with the code, `malformed`.
 */
export async function runTpm<T>(tpm: TpmTransport, command: TpmCommand, read: (reader: TpmReader) => T): Promise<T> {
  const bytes = encode(command);
  for (let attempt = 1; ; attempt += 1) {
    const response = await tpm.send(bytes);
    if (response.length < 10 || response.readUInt32BE(2) !== response.length)
      throw new TpmError('malformed', 'the answer is not as long as it says');
    const rc = response.readUInt32BE(6);
    if (rc === 0) return decode(response, command, read);
    const again = SEND_AGAIN.get(rc);
    if (again === undefined) throw refusal(command, rc);
    if (attempt === ATTEMPTS) throw new TpmError('busy', `${again} ${ATTEMPTS} times`, { rc });
    await sleep(PAUSE_MS * Math.min(attempt, 10));
  }
}

function refusal({ code }: TpmCommand, rc: number): TpmError {
  const what = `TPM_CC ${code.toString(16)} was answered with TPM_RC ${rc.toString(16).padStart(3, '0')}`;
  return new TpmError(rc === RC_LOCKOUT ? 'lockout' : 'refused', what, { rc });
}

function encode({ code, handles = [], sessions, parameters = Buffer.alloc(0) }: TpmCommand): Buffer {
  const area = sessions === undefined ? [] : [authorisation(sessions)];
  const body = Buffer.concat([...handles.map(tpmUint32), ...area, parameters]);
  const tag = sessions === undefined ? ST_NO_SESSIONS : ST_SESSIONS;
  return Buffer.concat([tpmUint16(tag), tpmUint32(body.length + 10), tpmUint32(code), body]);
}

/** Each session with no nonce and an empty password or HMAC: neither is needed for empty passwords and plain policies. */
function authorisation(sessions: readonly number[]): Buffer {
  const none = tpmSized(Buffer.alloc(0));
  const parts = sessions.map((handle) => Buffer.concat([tpmUint32(handle), none, Buffer.of(CONTINUE_SESSION), none]));
  const area = Buffer.concat(parts);
  return Buffer.concat([tpmUint32(area.length), area]);
}

function decode<T>(response: Buffer, { sessions, handlesBack = 0 }: TpmCommand, read: (reader: TpmReader) => T): T {
  let body = response.subarray(10);
  if (sessions !== undefined) {
    const from = handlesBack * 4;
    if (body.length < from + 4) throw new TpmError('malformed', 'the answer ends too early');
    const size = body.readUInt32BE(from);
    if (size > body.length - from - 4) throw new TpmError('malformed', 'the answer ends too early');
    body = Buffer.concat([body.subarray(0, from), body.subarray(from + 4, from + 4 + size)]);
  }
  const parsed = parseTpm('the answer of the TPM', body, MAX_RESPONSE_BYTES, read);
  if (!parsed.ok) throw new TpmError('malformed', parsed.detail);
  return parsed.value;
}
