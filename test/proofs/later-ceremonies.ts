import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { Granted } from '../../domain/kill-state.js';
import { onKillOf } from '../../domain/on-kill.js';
import { policySchema, termsOf } from '../../domain/policy.js';
import type { SignedStatement } from '../../domain/statement.js';
import { buildBundle } from '../../proofs/bundle.js';
import type { BundleReport } from '../../proofs/bundle-report.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { evidenceDigest } from '../../proofs/evidence.js';
import { makeMarker } from '../../proofs/marker.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { scopeHashOf, warrantScopeOf } from '../../proofs/warrant.js';
import { bob, entryOf, policy, requestFor, roleKeys, signAct, T0 } from './ceremony-people.js';
import { extensionEvidence } from './extended-ceremony.js';
import { FollowUpScene } from './follow-up-scene.js';
import { fullCeremony, ledgerOf, sign, testTrust, type TestCeremony } from './full-ceremony.js';
import { givenWarrant } from './given-warrant.js';

const MIN = 60_000;

/** An act as its entry has it. */
function spoken(event_id: string, statement: SignedStatement, at: number): EntryPayload {
  const { act, person } = JSON.parse(statement.payload) as { act: string; person: string };
  const digest = statementDigest(statement);
  const data = { act, person, method: 'software', digest, statement };
  return entryOf(event_id, 'statement', `statement/${digest.slice(0, 32)}`, at, data);
}

/** The whole of a ceremony that was extended once by twenty minutes and kept the later deadline. */
export function extendedCeremony(): TestCeremony {
  const { request, intent: first, payloads } = fullCeremony();
  const { event_id } = request;
  const at = T0 + 15 * MIN;
  const prior = [payloads.find(({ type }) => type === 'intent')?.data['signed'] as SignedIntent];
  const evidence = extensionEvidence(request, prior, { at });
  const later = 20 * MIN;
  const deadline = instant(Date.parse(first.deadline) + later);
  const dead_man = instant(Date.parse(first.dead_man ?? '') + later);
  const tuple = first.tuple;
  const issued = at + 2 * MIN;
  const intent = {
    ...first,
    round: 2,
    evidence_digest: evidenceDigest(evidence),
    issued_at: instant(issued),
    deadline,
    dead_man,
    marker: makeMarker({ event_id, deadline, tuple }, roleKeys.authority.privateKey),
  };
  const intent_digest = digestOf(intent);
  const warrant = givenWarrant(intent, roleKeys.authority, issued);
  const extending = [
    ...[evidence.extension.asked, ...evidence.approvals].map((one) => spoken(event_id, one, at + MIN)),
    entryOf(event_id, 'extension', 'extension/2', issued, { signed: signIntent(intent, roleKeys.authority), evidence }),
    entryOf(event_id, 'extended', 'extended/2', issued + 2000, {
      intent_digest,
      warrant_id: warrant.id,
      warrant_scope_hash_b64u: scopeHashOf(warrantScopeOf(intent)),
      warrant: warrant.token,
      warrant_judged_at: instant(issued + 1000),
    }),
    entryOf(event_id, 'verified', 'verified/2', issued + 20_000, { intent_digest, ends_at: dead_man }),
  ];
  const all = payloads.flatMap((payload) => {
    if (payload.type === 'verified') return [payload, ...extending];
    const isAfter = Date.parse(payload.at) >= Date.parse(first.deadline);
    return [isAfter ? moved(payload, later, intent_digest) : payload];
  });
  return { request, intent, payloads: all };
}

/** The same entry so much later, about the intent that was in force then. */
function moved(payload: EntryPayload, by: number, intent_digest: string): EntryPayload {
  const shifted = JSON.parse(
    JSON.stringify(payload.data).replace(/"\d{4}-\d\d-\d\dT[^"]+Z"/g, (at) =>
      JSON.stringify(instant(Date.parse(at.slice(1, -1)) + by)),
    ),
  ) as Record<string, unknown>;
  const named = shifted['intent_digest'] === undefined ? {} : { intent_digest };
  return { ...payload, at: instant(Date.parse(payload.at) + by), data: { ...shifted, ...named } };
}

export const killedPolicy = policySchema.parse({
  ...policy,
  profiles: { ...policy.profiles, admin: { ...policy.profiles['admin'], on_kill: { report_granted: true } } },
});

/** The whole of a ceremony that bob killed, and of what was then taken back from whom the principal had given it, upon his order. */
export function killedCeremony(): TestCeremony {
  const asked = requestFor({ policy_digest: digestOf(killedPolicy) });
  const terms = termsOf(killedPolicy, 'admin')?.on_kill;
  if (terms === undefined) throw new Error('the policy says what a kill does');
  const { request, intent, payloads } = fullCeremony(asked, undefined, onKillOf(terms, asked.principal.object_id));
  const { event_id } = request;
  const at = T0 + 15 * MIN;
  const by = Date.parse(intent.deadline) - at - MIN;
  const kill = signAct(bob, 'kill', request, {}, at);
  const scene = new FollowUpScene(request, intent, at + 1000);
  const thing: Granted = {
    via: 'direct',
    at: instant(at - MIN),
    activity: 'Add member to role',
    principal_id: 'b0b00000-0000-4000-8000-000000000002',
    role_template_id: '5d6b6bb7-de71-4623-b4af-96380a352509',
    directory_scope_id: '/',
    assignment_id: 'a1',
    standing: true,
  };
  const listed = scene.listedEntry([thing]);
  const report = scene.listed([thing]);
  const statements = [scene.takeBack(listed, [thing])];
  const order = scene.orderEntry({ act: 'take_back', statements, report, entries: [digestOf(thing)] });
  const order_digest = digestOf(order);
  const mark = entryOf(event_id, 'end_mark', 'end_mark', scene.markAt, { cause: 'kill', by: 'bob' });
  const afterwards = [
    order,
    entryOf(event_id, 'taken_back_direct', 'taken_back_direct/1', at + 70_000, {
      order_digest,
      thing: digestOf(thing),
      result: 'done',
      code: null,
    }),
    entryOf(event_id, 'follow_up_verified', 'follow_up_verified/1', at + 90_000, { order_digest, confirmed: true }),
  ];
  const killed = payloads.flatMap((payload): EntryPayload[] => {
    const isAfter = Date.parse(payload.at) >= Date.parse(intent.deadline);
    const entry = isAfter ? moved(payload, -by, digestOf(intent)) : payload;
    if (entry.type === 'resealing')
      return [spoken(event_id, kill, at), mark, { ...entry, data: { ...entry.data, cause: 'kill', by: 'bob' } }];
    if (entry.type === 'confirmed') return [listed, entry];
    if (entry.type !== 'ended') return [entry];
    const ended = { ...entry.data, end: 'revoked', cause: 'kill', by: 'bob' };
    return [{ ...entry, data: ended }, ...afterwards];
  });
  return { request, intent, payloads: killed };
}

/** The bundle as the register seals it. */
export const sealedUnder = ({ request, payloads }: TestCeremony, under = policy): string =>
  buildBundle({
    eventId: request.event_id,
    stage: 'audited',
    sealedAt: instant(T0 + 120 * MIN),
    policy: under,
    entries: ledgerOf(request.event_id, payloads.map(sign)),
    key: roleKeys.register,
  });

export const verifyUnder = (file: string, under = policy): BundleReport =>
  verifyBundle(Buffer.from(file), testTrust([digestOf(under)]));
