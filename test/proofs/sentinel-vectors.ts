import { createHmac } from 'node:crypto';

import fc from 'fast-check';

import { REASON_CODES } from '../../domain/request.js';
import { SENTINEL_EVENTS, STATUS_AFTER, type SentinelLogEntry } from '../../domain/sentinel.js';
import { sentinelLogEntryJson } from '../../proofs/sentinel-json.js';
import { signSentinelEntry } from '../../proofs/sentinel-signed-entry.js';

/** The test key of the artefacts: 32 times "k". */
export const SECRET = Buffer.alloc(32, 'k');
export const KEY = { key_id: 'key-2026-01', secret: SECRET };

const text = (max: number) => fc.string({ unit: 'binary', maxLength: max });
// eslint-disable-next-line no-control-regex -- a name has none of them
const CONTROL = /[\u0000-\u001f\u007f]/;
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((word) => !CONTROL.test(word));
const time = fc
  .date({ min: new Date('2001-01-01T00:00:00Z'), max: new Date('2099-12-31T00:00:00Z'), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, 19)}Z`);
const hex16 = fc.stringMatching(/^[0-9a-f]{16}$/);

/** Any log entry that Sentinel could write. */
export const logEntries: fc.Arbitrary<SentinelLogEntry> = fc
  .record(
    {
      timestamp: time,
      event: fc.constantFrom(...SENTINEL_EVENTS),
      event_id: hex16,
      request_id: fc.oneof(hex16, fc.constant('')),
      invoker: name,
      profile: name,
      reason_code: fc.constantFrom(...REASON_CODES),
      justification: text(1000),
      duration_seconds: fc.integer({ min: 0, max: 14_400 }),
      expires_at: time,
      closed_by: name,
      closed_reason: fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
      mfa_verified: fc.constant(true),
      mfa_method: fc.constantFrom('totp', 'sms'),
      mfa_challenge_id: hex16,
    },
    {
      requiredKeys: [
        'timestamp',
        'event',
        'event_id',
        'request_id',
        'invoker',
        'profile',
        'reason_code',
        'justification',
        'duration_seconds',
        'expires_at',
      ],
    },
  )
  .map((entry) => ({ ...entry, status: STATUS_AFTER[entry.event] }));

export const ENTRY: SentinelLogEntry = {
  timestamp: '2026-11-21T01:08:15Z',
  event: 'breakglass.invoked',
  event_id: '00112233445566aa',
  request_id: '',
  invoker: 'dana',
  profile: 'production',
  reason_code: 'incident',
  justification: 'Orders <stuck> & customers wait: INC-7',
  status: 'active',
  duration_seconds: 3600,
  expires_at: '2026-11-21T02:08:15Z',
};

export const signed = (entry: SentinelLogEntry, over: Partial<typeof KEY> = {}): string =>
  signSentinelEntry(sentinelLogEntryJson(entry), entry.timestamp, { ...KEY, ...over });

/** A line over any text as its entry, signed by the rule itself: HMAC over the three members, spelled out here. */
export function signedRaw(entry: string, timestamp = ENTRY.timestamp, keyId = KEY.key_id): string {
  const message = `{"entry":${entry},"timestamp":"${timestamp}","key_id":"${keyId}"}`;
  const signature = createHmac('sha256', SECRET).update(message).digest('hex');
  return `{"entry":${entry},"signature":"${signature}","key_id":"${keyId}","timestamp":"${timestamp}"}`;
}
