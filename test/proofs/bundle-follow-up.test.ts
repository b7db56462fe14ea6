import { describe, expect, it } from 'vitest';

import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { Granted } from '../../domain/kill-state.js';
import type { ProvenAuthority, ProvenEntry } from '../../proofs/bundle-authority.js';
import { proveFollowUps } from '../../proofs/bundle-follow-up.js';
import { BundleFindings } from '../../proofs/bundle-report.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { bob, carol, entryOf, policy, signAct, T0 } from './ceremony-people.js';
import { FollowUpScene, ON_KILL } from './follow-up-scene.js';
import { ceremony, told, trust } from './told-ceremony.js';

const AT = T0 + 20 * 60_000;
const thing: Granted = {
  via: 'direct',
  at: instant(AT - 60_000),
  activity: 'Add member to role',
  principal_id: 'b0b00000-0000-4000-8000-000000000002',
  role_template_id: '5d6b6bb7-de71-4623-b4af-96380a352509',
  directory_scope_id: '/',
  assignment_id: 'a1',
  standing: true,
};
const intent = { ...ceremony.intent, on_kill: ON_KILL };
const scene = new FollowUpScene(ceremony.request, intent, AT);
const { event_id } = ceremony.request;

const statement = scene.takeBack(scene.listedEntry([thing]), [thing]);
const report = scene.listed([thing]);
const order = scene.orderEntry({ act: 'take_back', statements: [statement], report, entries: [digestOf(thing)] });
const of = (over: Record<string, unknown> = {}) => ({ order_digest: digestOf(order), ...over });
const taken = (over: Record<string, unknown> = {}) =>
  entryOf(event_id, 'taken_back_direct', 'taken_back_direct/1', AT + 70_000, {
    ...of({ thing: digestOf(thing), result: 'done', code: null }),
    ...over,
  });
const verified = (over: Record<string, unknown> = {}) =>
  entryOf(event_id, 'follow_up_verified', 'follow_up_verified/1', AT + 90_000, { ...of({ confirmed: true }), ...over });

const both = [bob, carol].map((by) => scene.restore(scene.disabledEntry(), by));
const restoring = scene.orderEntry({ act: 'restore_account', statements: both, report: scene.disabled(), entries: [] });
const enabled = entryOf(event_id, 'account_enabled', 'account_enabled/1', AT + 70_000, {
  order_digest: digestOf(restoring),
  result: 'done',
  code: null,
});

function proven(entries: readonly EntryPayload[], acts: ProvenAuthority['acts'] = []) {
  const findings = new BundleFindings();
  const body = { payloadType: '', payload: '', signatures: [] };
  const listed = entries.map((entry, index): ProvenEntry => ({ seq: index + 1, entry, body }));
  const authority = { request: ceremony.request, intent: { intent }, extensions: [], acts };
  proveFollowUps(authority as unknown as ProvenAuthority, { policy } as never, listed, trust, findings);
  return { told: findings.facts.follow_ups, errors: findings.errors, unproven: findings.notVerified };
}

describe('what people had done after a kill, in a bundle', () => {
  it('is told with who signed it, judged again from the bytes', () => {
    const { told: follow, errors, unproven } = proven([order, taken(), verified()]);
    expect(errors).toEqual([]);
    expect(unproven).toEqual([]);
    expect(follow).toMatchObject([
      { act: 'take_back', persons: ['bob'], done: [{ what: digestOf(thing), result: 'done' }], confirmed: true },
    ]);
    expect(proven([restoring, enabled]).told).toMatchObject([
      { act: 'restore_account', persons: ['bob', 'carol'], done: [{ what: ceremony.request.principal.object_id }] },
    ]);
  });

  it('is said to be unproven where the second identity does not say so', () => {
    expect(proven([order, taken()]).unproven).toEqual([expect.stringMatching(/^that what was taken back took/)]);
    expect(proven([order, taken(), verified({ confirmed: false })]).unproven).toHaveLength(1);
    expect(proven([order, taken({ result: 'refused', code: 'changed_since' })]).unproven).toEqual([]);
  });

  const changed = (over: Record<string, unknown>): EntryPayload => ({ ...order, data: { ...order.data, ...over } });
  it.each([
    ['an order that nobody signed', [changed({ statements: [{ payload: '{}', signature: 'x'.repeat(40) }] })]],
    ['an order of something else', [changed({ entries: ['f'.repeat(64)] })]],
    [
      'an order in another name',
      [changed({ persons: [{ person: 'carol', method: 'software', digest: 'f'.repeat(64) }] })],
    ],
    ['an order of a report that is none', [changed({ report: scene.disabled() })]],
    ['an order of what ended without a kill', [changed({ mark: scene.mark({ cause: 'close' }) })]],
    ['a thing that the order does not name', [order, taken({ thing: 'f'.repeat(64) })]],
    ['a thing without an order before it', [taken(), order]],
    ['an account upon an order about things', [order, { ...enabled, data: { ...enabled.data, ...of() } }]],
    ['a word about no order', [order, verified({ order_digest: 'f'.repeat(64) })]],
  ])('refuses %s', (_, entries) => {
    expect(proven(entries).errors.map(({ code }) => code)).toContain('follow_up_unproven');
  });

  it('refuses an account that was enabled though the kill was said to be for a compromise', () => {
    const envelope = signAct(bob, 'kill', ceremony.request, { compromise: true });
    const acts = [{ seq: 1, act: 'kill', person: 'bob', digest: '', envelope }];
    expect(proven([restoring], acts).errors).toMatchObject([{ code: 'follow_up_unproven' }]);
  });

  it('is refused in a whole bundle by its place', () => {
    expect(told((payloads) => [...payloads, taken()]).codes).toEqual(['follow_up_unproven entries[12].body']);
  });
});
