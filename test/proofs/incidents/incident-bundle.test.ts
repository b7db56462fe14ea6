import { describe, expect, it } from 'vitest';
import type { IncidentEntryPayload } from '../../../domain/incidents/incident-entry.js';
import { DEFAULT_PLAYBOOK } from '../../../domain/incidents/playbook.js';
import type { DsseEnvelope } from '../../../domain/intent.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { saysIncidentBundle } from '../../../proofs/incidents/open-incident-bundle.js';
import { verifyIncidentBundle } from '../../../proofs/incidents/verify-incident-bundle.js';
import { fullIncident, HOST, ID, seal, signEntry, trust } from './full-incident.js';

const rules = { playbook: DEFAULT_PLAYBOOK, compatAck: false, quorum: 2 };
const verify = (text: string) => verifyIncidentBundle(Buffer.from(text), trust, rules);
const story = fullIncident();
const bodies = story.map((entry) => signEntry(entry));
const text = seal(bodies);
const firstBroken = (given: string): string | undefined => verify(given).checks.find(({ ok }) => !ok)?.name;

/** Every value without members, by its path. */
function leaves(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, member]) => leaves(member, [...path, name]));
}

/** A copy with one leaf changed into something of its own kind. */
function changed<T>(value: T, path: readonly string[]): T {
  const copy = structuredClone(value);
  const last = path.at(-1) ?? '';
  let into = copy as Record<string, unknown>;
  for (const name of path.slice(0, -1)) into = into[name] as Record<string, unknown>;
  into[last] = other(into[last]);
  return copy;
}

function other(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value !== 'string') return 'x';
  const digit = /[0-9]/.exec(value);
  // Times and digests stay such.
  if (digit !== null) return value.replace(digit[0], digit[0] === '1' ? '2' : '1');
  return `${value}x`;
}

describe('the bundle of an incident', () => {
  it('answers what an auditor asks', () => {
    expect(verify(text).checks.filter(({ ok }) => !ok)).toEqual([]);
    const { ok, incident_id, facts, not_verified } = verify(text);
    expect({ ok, incident_id }).toEqual({ ok: true, incident_id: ID });
    expect(facts).toMatchObject({
      ...{ class: 'integrity_violation', severity: 'critical', host: HOST, source: 'monitor', generations: 1 },
      ...{ acknowledged_by: ['bob'], bearer: false, attempt: 3, released_by: { person: 'bob', signed: true } },
      attestation: {
        ...{ ak_name: `000b${'11'.repeat(32)}`, reference_is_newer: true },
        ...{ reference_accepted_by: ['alice', 'carol'], baseline: { kind: 'waived', waived_by: ['alice', 'carol'] } },
      },
    });
    expect(facts.contained.map(({ action }) => action)).toEqual([
      'freeze_agent',
      'disable_airlock',
      'force_vault_relock',
    ]);
    expect(facts.released.map(({ action }) => action)).toEqual([
      'force_vault_relock',
      'disable_airlock',
      'freeze_agent',
    ]);
    expect(facts.refused.map(({ what, why, by }) => `${by}: ${what}: ${why}`)).toEqual([
      'effect:containment: contain freeze_agent: agent: timed_out',
      expect.stringMatching(/^register: statement [0-9a-f]{16}: foreign_binding$/),
      'register: resolve by bob: attestation',
      'verifier: attestation 2 (recovery): PCR_NOT_GOLDEN: another value of PCR 7',
    ]);
    expect(facts.statements.find(({ act }) => act === 'artifact')).toMatchObject({
      person: 'carol',
      of: '33'.repeat(32),
    });
    expect(not_verified.join('\n')).toContain('the quote itself');
  });

  it('is told from that of a ceremony', () => {
    expect(saysIncidentBundle(Buffer.from(text))).toBe(true);
    for (const none of ['', '{}', 'null', '{"payload":1}', '{"payload":"bm9uZQ=="}', text.slice(0, -1)])
      expect(saysIncidentBundle(Buffer.from(none)), none.slice(0, 20)).toBe(false);
  });

  it('is refused with any byte of its own changed', () => {
    const envelope = JSON.parse(text) as DsseEnvelope;
    const payload = Buffer.from(envelope.payload, 'base64');
    for (let at = 0; at < payload.length; at += Math.ceil(payload.length / 40)) {
      const twin = Buffer.from(payload);
      twin[at] = (twin[at] ?? 0) ^ 1;
      expect(firstBroken(canonicalJson({ ...envelope, payload: twin.toString('base64') })), String(at)).toBe('format');
    }
  });

  /** The register seals what its makers did not sign. */
  const unsigned = story.flatMap((entry, at) =>
    leaves(entry.data).map((path) => [`${entry.transition} ${path.join('.')}`, at, ['data', ...path]] as const),
  );
  it('has more than a hundred signed values to change', () => expect(unsigned.length).toBeGreaterThan(150));
  it.each(unsigned)('is refused with %s changed under its maker’s signature', (_name, at, path) => {
    const body = bodies[at] as DsseEnvelope;
    const payload = Buffer.from(canonicalJson(changed(story[at], path))).toString('base64');
    expect(firstBroken(seal(bodies.with(at, { ...body, payload })))).toBe('signers');
  });

  it('is refused with an entry left out, repeated, or signed by another role', () => {
    const optional = new Set([
      'statement_refused',
      'resolve_refused',
      'attestation_waiting',
      'contained/1/freeze_agent/failed/1',
    ]);
    for (const [at, { transition, type }] of story.entries()) {
      const body = bodies[at] as DsseEnvelope;
      expect(firstBroken(seal([...bodies.slice(0, at + 1), body, ...bodies.slice(at + 1)])), transition).toBe(
        'signers',
      );
      const foreign = signEntry(story[at] as IncidentEntryPayload, type === 'statement' ? 'authority' : 'register');
      if (foreign.signatures[0]?.keyid !== body.signatures[0]?.keyid)
        expect(firstBroken(seal(bodies.with(at, foreign))), transition).toBe('signers');
      // What was refused, failed at first or waited is told once: that none was left out only a witness shows.
      if (optional.has(type) || optional.has(transition)) continue;
      expect(verify(seal(bodies.toSpliced(at, 1))).ok, `without ${transition}`).toBe(false);
    }
  });

  /** The register lies in entries of its own. */
  const lies: [name: string, type: string, data: Record<string, unknown>, broken: string][] = [
    ['another class', 'incident', { class: 'tool_call_burst' }, 'event'],
    ['another host', 'incident', { host: 'node-2' }, 'event'],
    ['a milder event', 'incident', { severity: 'low' }, 'event'],
    ['a milder incident', 'standing', { severity: 'high' }, 'event'],
    ['another class later', 'standing', { class: 'unauthorized_access' }, 'event'],
    ['fewer actions', 'standing', { containment_actions: ['freeze_agent'] }, 'event'],
    ['another source', 'standing', { source: 'nobody' }, 'event'],
    ['another author', 'statement', { person: 'carol' }, 'statements'],
    ['another act', 'statement', { act: 'resolve' }, 'statements'],
    ['another way of signing', 'statement', { method: 'sk-ed25519' }, 'statements'],
    ['a pass that was none', 'attested', { verdict: 'refused' }, 'attestations'],
    ['another attempt', 'attested', { attempt: 7 }, 'attestations'],
    ['another end', 'resolved', { by: 7 }, 'end'],
    ['another health', 'resolved', { health: { trusted: true } }, 'end'],
  ];
  it.each(lies)('is refused where the register tells of %s', (_name, type, data, broken) => {
    const at = story.findIndex((entry) => entry.type === type);
    const entry = story[at] as IncidentEntryPayload;
    expect(firstBroken(seal(bodies.with(at, signEntry({ ...entry, data: { ...entry.data, ...data } }))))).toBe(broken);
  });

  it('is refused without the words of whom the newer reference rests on', () => {
    for (const act of ['accept_baseline', 'waive_baseline']) {
      const at = story.findIndex(({ data }) => data['act'] === act);
      const report = verify(seal(bodies.toSpliced(at, 1)));
      expect(report.checks.find(({ ok }) => !ok)).toMatchObject({ name: 'gate' });
    }
  });

  it('is refused by an auditor who asks for more', () => {
    const more = { ...rules, quorum: 3 };
    const report = verifyIncidentBundle(Buffer.from(text), trust, more);
    expect(report.checks.find(({ ok }) => !ok)).toMatchObject({
      name: 'gate',
      detail: expect.stringContaining('attestation_acceptance') as string,
    });
  });
});
