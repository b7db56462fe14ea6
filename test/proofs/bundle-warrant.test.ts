import { describe, expect, it } from 'vitest';

import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { WarrantClaims } from '../../domain/warrant.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { roleKeys } from './ceremony-people.js';
import { fullCeremony } from './full-ceremony.js';
import { givenWarrant } from './given-warrant.js';
import { ceremony, edited, told, without } from './told-ceremony.js';

const granted = ceremony.payloads.find(({ type }) => type === 'granted');
const id = String(granted?.data['warrant_id']);
const issued = Date.parse(ceremony.intent.issued_at);
const { authority } = roleKeys;

/** The grant's entry without these members, as an earlier version wrote it. */
const before =
  (...names: string[]) =>
  (payloads: EntryPayload[]): EntryPayload[] =>
    payloads.map(({ data, ...rest }) => {
      if (rest.type !== 'granted') return { ...rest, data };
      return { ...rest, data: Object.fromEntries(Object.entries(data).filter(([name]) => !names.includes(name))) };
    });

/** The grant under another warrant that its entry names in full. */
const under = ({ id: warrant_id, token: warrant }: { id: string; token: string }, more: Record<string, unknown> = {}) =>
  told(edited('granted', { warrant_id, warrant, ...more }));
const minted = (over: Partial<WarrantClaims> = {}, key = authority) => givenWarrant(ceremony.intent, key, issued, over);
const refusal = (answer: ReturnType<typeof told>): string => {
  expect(answer.codes).toEqual(['grant_refused entries[4].body']);
  return answer.report.errors.map(({ message }) => message).join();
};

describe('the warrant of a grant, in a bundle', () => {
  it('is carried by the entry, and judged again by the trust file alone', () => {
    const { ok, report } = told((payloads) => payloads);
    expect(ok).toBe(true);
    const detail = report.checks.find(({ name }) => name === 'grant')?.detail;
    expect(detail).toContain(`under warrant ${id}, the authority's and in force at ${instant(issued + 1000)}`);
    expect(report.not_verified.join('\n')).not.toContain('warrant');
  });

  it('holds for every warrant of the same intent', () => {
    expect(under(minted()).ok).toBe(true);
  });

  it('is the effect’s word alone where an earlier version named it and kept it to itself, and that is said', () => {
    const { ok, report } = told(before('warrant', 'warrant_judged_at'));
    expect(ok).toBe(true);
    expect(report.not_verified.join('\n')).toContain(`that warrant ${id} was signed and in force`);
  });

  it('may be missing where an earlier version granted, and that is said', () => {
    const { ok, report } = told(before('warrant', 'warrant_judged_at', 'warrant_id', 'warrant_scope_hash_b64u'));
    expect(ok).toBe(true);
    expect(report.not_verified.join('\n')).toContain('under which warrant it was granted');
  });

  it('says nothing of warrants where nothing was granted', () => {
    const { report } = told((payloads) => without('verified')(without('granted')(payloads)));
    expect(report.not_verified.join('\n')).not.toContain('warrant');
  });

  it('cannot be named where no intent stands', () => {
    const { codes } = told((payloads) => edited('granted', {})(without('intent')(payloads)));
    expect(codes).toContain('grant_refused entries[3].body');
  });
});

describe('a bundle whose effect says that it granted under a warrant', () => {
  it.each<[string, Partial<WarrantClaims>]>([
    ['of another policy or contract', { policy_hash_b64u: 'A'.repeat(43) }],
    ['of another event', { mission_id: 'f'.repeat(16) }],
    ['for another role', { aud: 'effect:entra.sessions' }],
    ['for another round', { reseal: { ...givenScope(), round: 2 } }],
  ])('fails when it is %s, though the authority signed it', (_, over) => {
    expect(refusal(under(minted(over)))).toContain('warrant_foreign');
  });

  it('fails when another key minted it', () => {
    expect(refusal(under(minted({}, generateRoleKey())))).toContain('warrant_not_signed');
    expect(refusal(under(minted({}, roleKeys.register)))).toContain('warrant_not_signed');
    const posing = { ...generateRoleKey(), keyid: authority.keyid };
    expect(refusal(under(minted({}, posing)))).toContain('warrant_not_signed');
  });

  it('fails when it was given for the intent of another ceremony', () => {
    const { intent } = fullCeremony();
    expect(refusal(under(givenWarrant(intent, authority, issued)))).toContain('warrant_foreign');
  });

  it('fails when it was over, or not yet begun, when the effect took it', () => {
    const late = { warrant_judged_at: instant(issued + 2000) };
    expect(refusal(under(minted({ exp: Math.floor(issued / 1000) + 2 }), late))).toContain('warrant_expired');
    const early = { warrant_judged_at: instant(issued - 61_000) };
    expect(refusal(under(minted(), early))).toContain('warrant_not_yet_valid');
  });

  it('fails when the effect says that it took it after it had granted', () => {
    expect(refusal(under(minted(), { warrant_judged_at: instant(issued + 3000) }))).toContain('later');
  });

  it('fails when it names another than it carries, or one half of it', () => {
    expect(refusal(under({ ...minted(), id: minted().id }))).toContain('names another');
    expect(refusal(told(before('warrant')))).toContain('not in full');
    expect(refusal(told(before('warrant_judged_at')))).toContain('not in full');
    expect(refusal(told(before('warrant_id')))).toContain('not in full');
  });
});

function givenScope(): WarrantClaims['reseal'] {
  const [, payload = ''] = minted().token.split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as WarrantClaims).reseal;
}
