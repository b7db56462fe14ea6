import { describe, expect, it } from 'vitest';

import type { Roster } from '../../domain/roster.js';
import type { BundleReport } from '../../proofs/bundle-report.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { signDocument } from '../../proofs/contract-signing.js';
import { sshPublicKeyLine } from '../../proofs/ssh-public-key.js';
import { signedRoster, signer } from '../support/contract-signers.js';
import { mallory, roster } from './ceremony-people.js';
import {
  contracted,
  keys,
  namedRoster,
  rosterEnvelope,
  trustOfText,
  trustText,
  verifyContracted,
} from './contracted-ceremony.js';
import { edited } from './told-ceremony.js';

const detailOf = ({ checks }: BundleReport): string => checks.find(({ name }) => name === 'roster')?.detail ?? '';
const codesOf = ({ errors }: BundleReport): string[] => errors.map(({ code, where }) => `${code} ${where}`);

/** Another roster, signed by these signers, that both entries name and the bundle holds. */
function under(over: Record<string, unknown>, signing = keys): BundleReport {
  const document = signedRoster({ series: 'people', version: 3, roster, ...over });
  const named = { series: document.series, version: document.version, digest: digestOf(document) };
  return verifyContracted(contracted({ named, rosters: [signDocument('roster', document, signing)] }));
}

/** In it this person has another key. */
const keyless = (id: string): Roster => ({
  ...roster,
  people: roster.people.map((person) =>
    person.id === id ? { ...person, keys: [sshPublicKeyLine(mallory.publicKey)] } : person,
  ),
});

describe('the signed roster in a bundle', () => {
  it('shows who signed it, and that by its keys the same people asked and approved', () => {
    const report = verifyContracted(contracted());
    expect(report.errors).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.facts.roster).toEqual({ series: 'people', version: 3, signers: ['ann', 'ben'] });
    const by = 'by people version 3, signed by ann, ben';
    expect(detailOf(report)).toBe(`admitted ${by}; issued ${by}`);
    expect(report.not_verified.join()).not.toContain('roster');
  });

  it('is listed as not verified where the bundle does not hold it, as one from before', () => {
    const report = verifyContracted(contracted({ rosters: [] }));
    expect(report.ok).toBe(true);
    expect(report.facts.roster).toEqual({ series: 'people', version: 3, signers: [] });
    expect(report.not_verified.join()).toContain('who signed roster people version 3: the bundle does not hold it');
  });

  it('is listed as not verified where the trust file names no signers', () => {
    const report = verifyContracted(contracted(), trustOfText(trustText({ contractRoots: null })));
    expect(report.ok).toBe(true);
    expect(report.not_verified.join()).toContain('the trust file names no signers');
  });

  it.each([['bob'], ['alice']])('fails when the key of %s was not in it', (id) => {
    expect(codesOf(under({ roster: keyless(id) }))).toContain(
      `roster_refused ${id === 'alice' ? 'entries[0].body' : 'entries[3].body'}`,
    );
  });

  it('fails when by its groups the quorum was not met', () => {
    const people = roster.people.map((person) => ({ ...person, groups: ['security'] }));
    const report = under({ roster: { ...roster, people } });
    expect(codesOf(report)).toEqual(['roster_refused entries[3].body']);
    expect(report.errors[0]?.message).toContain('quorum_not_met');
  });

  it('fails when it was not valid at the time', () => {
    const report = under({ valid_from: '2026-11-22T00:00:00Z' });
    expect(codesOf(report)).toEqual(['roster_refused entries[0].body', 'roster_refused entries[3].body']);
    expect(under({ valid_until: '2026-11-21T09:00:00Z' }).ok).toBe(false);
  });

  it('fails when too few of the signers signed it, or strangers did', () => {
    expect(under({}, keys.slice(0, 1)).errors[0]?.message).toContain('roster_unsigned');
    expect(under({}, [signer('ann').key, signer('ben').key]).errors[0]?.message).toContain('roster_unsigned');
  });

  it('fails when the bundle holds one that no entry names, or the same twice', () => {
    const other = signDocument('roster', signedRoster({ series: 'people', version: 4, roster }), keys);
    expect(codesOf(verifyContracted(contracted({ rosters: [rosterEnvelope, other] })))).toEqual([
      'roster_refused predicate.rosters',
    ]);
    expect(codesOf(verifyContracted(contracted({ rosters: [rosterEnvelope, rosterEnvelope] })))).toEqual([
      'roster_refused predicate.rosters[1]',
    ]);
  });

  it('fails when an entry names it under another version, or not in full', () => {
    const wrong = contracted({ payloads: edited('intent', { roster: { ...namedRoster, version: 4 } }) });
    expect(codesOf(verifyContracted(wrong))).toEqual(['roster_refused entries[3].body']);
    const half = contracted({ payloads: edited('intent', { roster: { series: 'people' } }) });
    expect(codesOf(verifyContracted(half))).toEqual(['roster_refused entries[3].body']);
  });
});
