import { describe, expect, it } from 'vitest';

import type { EntryPayload } from '../../domain/entry.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { T0, entryOf } from './ceremony-people.js';
import { ceremony, edited, eventId, told } from './told-ceremony.js';

const FOUND = { code: 'unexpected_target_detected', detail: 'somebody got it' };
const data = { findings: [FOUND], added: ['somebody'], removed: [] };
const intent_digest = digestOf(ceremony.intent);
const named = (of: object): string => `watched/${digestOf(of).slice(0, 32)}`;

/** A ceremony that an unexpected target ended, with what the verifier signed of it, if anything. */
const ended =
  (...watched: EntryPayload[]) =>
  (payloads: EntryPayload[]): EntryPayload[] =>
    edited('ended', { end: 'revoked', cause: 'unexpected_target' })(
      edited('resealing', { cause: 'unexpected_target' })(payloads),
    ).flatMap((payload) => (payload.type === 'resealing' ? [...watched, payload] : [payload]));
const watched = (over: Record<string, unknown> = {}, transition = named(data)): EntryPayload =>
  entryOf(eventId, 'watched', transition, T0 + 600_000, { intent_digest, ...data, ...over });
const unproven = 'no role signed that it saw so';

describe('what a watch found, in a bundle', () => {
  it('is told, and proves what ended the ceremony', () => {
    const { codes, report } = told(ended(watched()));
    expect(codes).toEqual([]);
    expect(report.facts.beside.join('\n')).toContain('unexpected_target_detected: somebody got it');
    expect(report.not_verified.join('\n')).not.toContain(unproven);
  });

  it('is missed where something seen ended the ceremony and nobody signed that it was', () => {
    const { codes, report } = told(ended());
    expect(codes).toEqual([]);
    expect(report.not_verified.join('\n')).toContain(unproven);
    const other = { findings: [{ code: 'foreign_change', detail: 'x' }], added: [], removed: [] };
    const beside = told(ended(watched(other, named(other))));
    expect(beside.report.not_verified.join('\n')).toContain(unproven);
  });

  it('counts as well where the look that found the grant saw it', () => {
    const { report } = told((payloads) => ended()(edited('verified', { findings: [FOUND] })(payloads)));
    expect(report.not_verified.join('\n')).not.toContain(unproven);
  });

  it.each<[string, EntryPayload]>([
    ['it says nothing', watched({ findings: [] })],
    ['a finding is no finding', watched({ findings: [{ code: 'all_well', detail: '' }] })],
    ['it does not say who is known by it', watched({ added: 'somebody' })],
    ['it says something else than its name', watched({ added: ['somebody', 'mallory'] })],
    ['its name is another', watched({}, 'watched/1')],
  ])('fails when %s', (_, entry) => {
    expect(told(ended(entry)).codes).toEqual(['finding_unproven entries[6].body']);
  });

  it('fails when it is about another intent', () => {
    expect(told(ended(watched({ intent_digest: 'a'.repeat(64) }))).codes).toEqual(['removal_unproven entries[6].body']);
  });

  it('fails when nothing was granted that could be watched', () => {
    const { codes } = told((payloads) => ended(watched())(payloads).filter(({ type }) => type !== 'intent'));
    expect(codes).toContain('finding_unproven entries[5].body');
  });

  it('is missed as well where it ended later than intended by its own word alone', () => {
    const later = (payloads: EntryPayload[]): EntryPayload[] =>
      edited('ended', { end: 'revoked', cause: 'ends_later_than_intended' })(
        edited('resealing', { cause: 'ends_later_than_intended' })(payloads),
      );
    expect(told(later).report.not_verified.join('\n')).toContain(unproven);
    const seen = told((payloads) => later(edited('verified', { ends_at: '2030-01-01T00:00:00.000Z' })(payloads)));
    expect(seen.report.not_verified.join('\n')).not.toContain(unproven);
  });
});
