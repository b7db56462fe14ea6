import { describe, expect, it } from 'vitest';
import type { EntryPayload, Receipt } from '../../domain/entry.js';
import type { Finding, Survey } from '../../domain/outcomes.js';
import { unverifiedPayload } from '../../domain/unverified-payload.js';
import { asSigned, type Watched } from '../../domain/watched.js';
import { run, type CeremonyRun } from './ceremony-run.js';
import * as scene from './scene.js';

const EVENT = '0123456789abcdef';
const FOUND: Finding[] = [{ code: 'foreign_change', detail: 'Müller → 管理者 changed something' }];
const SURVEY: Survey = { holders: ['alice', 'gone'], principal_assignments: [] };

const payload: EntryPayload = {
  schema: 'reseal.entry.v1',
  event_id: EVENT,
  transition: 'watched/1',
  type: 'watched',
  at: '2026-06-01T10:00:00.000Z',
  data: { findings: FOUND, added: ['mallory'], removed: ['gone'] },
};
function receipt(over: Partial<EntryPayload> = {}, transition = over.transition ?? payload.transition): Receipt {
  const text = Buffer.from(JSON.stringify({ ...payload, ...over })).toString('base64');
  const envelope = { payloadType: 'x', payload: text, signatures: [{ keyid: 'k', sig: 'AAAA' }] };
  return { transition, envelope };
}
/** What stands beside the receipt says something else. */
const answered = (signed: Receipt | undefined) =>
  asSigned({ findings: [{ code: 'audit_missing', detail: 'x' }], holders: ['liar'], receipt: signed }, EVENT, SURVEY);

describe('what a watch answered', () => {
  it('is what its receipt says, in any script, whatever stands beside it', () => {
    expect(answered(receipt())).toEqual({ findings: FOUND, holders: ['alice', 'mallory'], receipt: receipt() });
  });

  it.each<[string, Receipt | undefined]>([
    ['nothing signed', undefined],
    ['another event', receipt({ event_id: 'fedcba9876543210' })],
    ['another entry', receipt({ type: 'verified' })],
    ['an entry under another name', receipt({}, 'watched/2')],
    ['a name that another entry will stand under', receipt({ transition: 'confirmed' })],
    ['nothing found', receipt({ data: { findings: [], added: [], removed: [] } })],
    ['findings that nobody knows', receipt({ data: { findings: [{ code: 'all_well', detail: '' }], added: [] } })],
    ['no JSON', { ...receipt(), envelope: { ...receipt().envelope, payload: 'AAAA' } }],
    ['no base64', { ...receipt(), envelope: { ...receipt().envelope, payload: '*' } }],
  ])('is asked for again where there is %s', (_, signed) => {
    expect(() => answered(signed)).toThrow();
  });

  it('reads what DSSE carries, whatever its length', () => {
    for (const text of ['""', '"a"', '"ab"', '"é"', '"漢"', '"😀"', '[1,{"a":null}]']) {
      const envelope = { ...receipt().envelope, payload: Buffer.from(text).toString('base64') };
      expect(unverifiedPayload({ transition: 'x', envelope })).toEqual(JSON.parse(text));
    }
  });
});

describe('a watch that the verifier has not signed', () => {
  const outcome: Watched = { findings: FOUND, holders: ['mallory'], receipt: scene.receipt('watched/1') };
  const told = (ceremony: CeremonyRun, ...refused: string[]): CeremonyRun => {
    const transitions = ceremony.state.outbox.map(({ transition }) => transition);
    return ceremony.tell({ type: 'appended', transitions, refused });
  };

  it('makes nobody known whom the survey did not show, and is looked at again', () => {
    const before = run().toActive().state.survey?.holders;
    const lied = run().toActive().tell({ type: 'watched', outcome });
    expect(lied.state.survey?.holders).toEqual(['mallory']);
    const key = lied.command('watch')?.key;
    const after = told(lied, 'watched/1');
    expect(after.state.survey?.holders.toSorted()).toEqual(before?.toSorted());
    expect(after.state.findings.at(-1)).toMatchObject({ code: 'answer_not_authentic', detail: 'watched/1' });
    expect(after.command('watch')?.key).not.toBe(key);
  });

  it('takes back no other watch', () => {
    const honest = { ...outcome, holders: ['mallory', 'bob'], receipt: scene.receipt('watched/2') };
    const both = run().toActive().tell({ type: 'watched', outcome }).tell({ type: 'watched', outcome: honest });
    const before = run().toActive().state.survey?.holders ?? [];
    expect(told(both, 'watched/1').state.survey?.holders.toSorted()).toEqual([...before, 'bob'].toSorted());
  });

  it('keeps what was signed for the ledger, before what is told of it', () => {
    const { outbox } = run().toActive().append().tell({ type: 'watched', outcome }).state;
    expect(outbox.map(({ transition }) => transition.split('/')[0])).toEqual(['watched', 'finding']);
  });
});
