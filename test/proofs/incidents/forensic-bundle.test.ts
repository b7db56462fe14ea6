import { createHash, createHmac } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { containmentBinding } from '../../../proofs/incidents/containment-binding.js';
import { forensicBundle, forensicKeyOf, verifyForensicBundle } from '../../../proofs/incidents/forensic-bundle.js';
import { incidentHash } from '../../../proofs/incidents/secai-incident.js';

const KEY = '00112233445566778899aabbccddeeff'.repeat(2);
const INCIDENT = {
  id: 'INC-20260101-080000-0001',
  created_at: '2026-01-01T08:00:00Z',
  class: 'integrity_violation',
  severity: 'critical',
  state: 'contained',
  source: 'integrity-monitor',
  description: 'hash of /etc/<app> & co differs\u2028',
  evidence: { path: '/etc/<app>', '\u{1f600}': 'a', '\ufffd': 'b' },
  containment_actions: ['freeze_agent', 'disable_airlock'],
  containment_results: [
    { action: 'freeze_agent', success: true, completed_at: '2026-01-01T08:00:01.25Z' },
    { action: 'disable_airlock', success: false, error: 'no <answer>', completed_at: '2026-01-01T08:00:02Z' },
  ],
};
const CONTENT = {
  exported_at: '2026-01-01T09:00:00Z',
  incidents: [{ ...INCIDENT, hash: incidentHash(INCIDENT) }],
  audit_entries: ['{"a":"<&>"}'],
  system_state: { service: 'reseal', a: 'b' },
  policy_digest: 'a'.repeat(64),
};
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const verdict = (text: string, key = KEY) => verifyForensicBundle(bytes(text), key);

/** The rule itself, spelled out: payload first, then the hash over it, then the HMAC over the raw hash. */
function signedAround(payload: string, shown: object): string {
  const hash = createHash('sha256').update(payload).digest();
  const signature = createHmac('sha256', KEY).update(hash).digest('hex');
  const canonical_payload = bytes(payload).toString('base64');
  return JSON.stringify({ ...shown, canonical_payload, bundle_hash: hash.toString('hex'), signature });
}

describe('a forensic bundle', () => {
  it('verifies with its key and not with another', () => {
    const text = forensicBundle(CONTENT, KEY);
    expect(verdict(text)).toMatchObject({
      ok: true,
      exported_at: CONTENT.exported_at,
      incidents: [{ id: INCIDENT.id }],
    });
    expect(verdict(text, 'f'.repeat(64))).toMatchObject({ ok: false, code: 'signature_mismatch' });
  });

  it('is Go’s JSON: five characters escaped, members in order, keys of maps in the order of their bytes', () => {
    const payload = Buffer.from(
      (JSON.parse(forensicBundle(CONTENT, KEY)) as { canonical_payload: string }).canonical_payload,
      'base64',
    );
    expect(payload.toString('utf8')).toBe(
      '{"exported_at":"2026-01-01T09:00:00Z","incidents":[{"id":"INC-20260101-080000-0001",' +
        '"created_at":"2026-01-01T08:00:00Z","class":"integrity_violation","severity":"critical","state":"contained",' +
        '"source":"integrity-monitor","description":"hash of /etc/\\u003capp\\u003e \\u0026 co differs\\u2028",' +
        '"evidence":{"path":"/etc/\\u003capp\\u003e","\ufffd":"b","\u{1f600}":"a"},' +
        '"containment_actions":["freeze_agent","disable_airlock"],"containment_results":[' +
        '{"action":"freeze_agent","success":true,"completed_at":"2026-01-01T08:00:01.25Z"},' +
        '{"action":"disable_airlock","success":false,"error":"no \\u003canswer\\u003e","completed_at":"2026-01-01T08:00:02Z"}],' +
        `"hash":"${incidentHash(INCIDENT)}"}],"audit_entries":["{\\"a\\":\\"\\u003c\\u0026\\u003e\\"}"],` +
        `"system_state":{"a":"b","service":"reseal"},"policy_digest":"${'a'.repeat(64)}"}`,
    );
  });

  it('is refused with any byte of it changed, and reading it never throws', () => {
    const whole = bytes(forensicBundle(CONTENT, KEY));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Buffer.from(whole);
        other[at] = (other[at] ?? 0) ^ change;
        // A letter of an escape may have another case: that says the same.
        if (verifyForensicBundle(other, KEY).ok) expect(JSON.parse(String(other))).toEqual(JSON.parse(String(whole)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, (bundle: Record<string, unknown>) => void, string]>([
    ['a member more', (bundle) => (bundle['more'] = 1), 'members_wrong'],
    ['a member less', (bundle) => delete bundle['audit_entries'], 'members_wrong'],
    ['another incident shown than signed', (bundle) => (bundle['incidents'] = []), 'payload_differs'],
    ['an empty list shown for none', (bundle) => (bundle['audit_entries'] = null), 'payload_differs'],
    ['another payload', (bundle) => (bundle['canonical_payload'] = bytes('{}').toString('base64')), 'hash_mismatch'],
    ['a payload that is no base64', (bundle) => (bundle['canonical_payload'] = '*'), 'payload_malformed'],
    ['a hash in capitals', (bundle) => (bundle['bundle_hash'] = 'A'.repeat(64)), 'member_malformed'],
    ['no signature', (bundle) => (bundle['signature'] = ''), 'member_malformed'],
    ['a signature of zeros', (bundle) => (bundle['signature'] = '0'.repeat(64)), 'signature_mismatch'],
  ])('is refused with %s', (_what, change, code) => {
    const bundle = JSON.parse(forensicBundle(CONTENT, KEY)) as Record<string, unknown>;
    change(bundle);
    expect(verdict(JSON.stringify(bundle))).toMatchObject({ ok: false, code });
  });

  it('is refused with a member twice, in what is shown and in what was signed', () => {
    const text = forensicBundle(CONTENT, KEY);
    expect(verdict(text.replace('{', '{"policy_digest":"b",'))).toMatchObject({ code: 'duplicate_member' });
    const payload = JSON.stringify(CONTENT).replace('{', '{"policy_digest":"b",');
    expect(verdict(signedAround(payload, CONTENT))).toMatchObject({ code: 'payload_malformed' });
  });

  it('may have been signed over nil slices, which Go writes as null', () => {
    const nil = { ...CONTENT, incidents: null, audit_entries: null };
    expect(verdict(signedAround(JSON.stringify(nil), nil))).toMatchObject({ ok: true, incidents: [] });
    const wrong = { ...CONTENT, incidents: 'none' };
    expect(verdict(signedAround(JSON.stringify(wrong), wrong))).toMatchObject({ code: 'member_malformed' });
  });

  it('has a key of 64 hex characters and no other', () => {
    expect(forensicKeyOf(bytes(`${KEY}\n`))).toBe(KEY);
    for (const file of ['', KEY.slice(1), `${KEY}00`, `${KEY}\n\n`, ` ${KEY}`])
      expect(forensicKeyOf(bytes(file))).toBeUndefined();
    expect(() => forensicBundle(CONTENT, 'short')).toThrow(TypeError);
  });
});

describe('a containment binding', () => {
  const of = { incident_id: INCIDENT.id, incident_class: INCIDENT.class, ...INCIDENT };

  it('is SHA-256 over five members as Go writes them, none being null', () => {
    const bare = { incident_id: 'INC-20260101-080000-0002', incident_class: 'prompt_injection', severity: 'high' };
    const text =
      '{"incident_id":"INC-20260101-080000-0002","incident_class":"prompt_injection","severity":"high",' +
      '"containment_actions":null,"containment_results":null}';
    const wanted = createHash('sha256').update(text).digest('hex');
    expect(containmentBinding(bare)).toBe(wanted);
    expect(containmentBinding({ ...bare, containment_actions: [], containment_results: [] })).toBe(wanted);
  });

  it('is another one when anything that was contained is another', () => {
    const [first, second] = INCIDENT.containment_results;
    if (first === undefined || second === undefined) throw new Error('two results');
    const bindings = [
      of,
      { ...of, severity: 'high' },
      { ...of, incident_class: 'manifest_mismatch' },
      { ...of, containment_actions: ['disable_airlock', 'freeze_agent'] },
      { ...of, containment_results: [second, first] },
      { ...of, containment_results: [first, { ...second, success: true }] },
      { ...of, containment_results: [first, { ...second, error: 'no answer' }] },
      { ...of, containment_results: [first, { ...second, completed_at: '2026-01-01T08:00:03Z' }] },
      { ...of, containment_results: [first] },
    ].map(containmentBinding);
    expect(new Set(bindings).size).toBe(bindings.length);
  });
});
