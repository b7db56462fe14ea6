import { commands, isFinished, wake } from '../../domain/ceremony-commands.js';
import { isAsking, isEnd, type CeremonyState } from '../../domain/ceremony-state.js';
import { step } from '../../domain/ceremony.js';
import type { CeremonyEvent } from '../../domain/ceremony-event.js';
import { epochMs } from '../../domain/identifiers.js';
import { MAX_AGAIN } from '../../domain/outbox.js';
import { MAX_RENEWALS } from '../../domain/ceremony-warrant.js';
import type { Terms } from '../../domain/policy.js';
import type { PersonFacts } from '../../domain/quorum.js';
import { REDUCING_ACTS } from '../../domain/statement.js';
import { viewOf } from '../../domain/view.js';

const AFTER_INTENT = new Set(['closed', 'expired', 'revoked', 'not_granted']);
const BEFORE_INTENT = new Set(['refused', 'denied', 'cancelled', 'unapproved']);
const STATUS: Readonly<Record<string, string | null>> = {
  closed: 'closed',
  revoked: 'closed',
  expired: 'expired',
  not_granted: null,
};

function demand(holds: boolean, invariant: string): void {
  if (!holds) throw new Error(`broken: ${invariant}`);
}
const json = (value: unknown): string => JSON.stringify(value);

/** A quorum by trying every assignment of people to seats: slow, and nothing like the matching it judges. */
export function bruteQuorum(terms: Terms['approvals'], people: readonly PersonFacts[]): boolean {
  if (new Set(people.map(({ id }) => id)).size < terms.min_approvers) return false;
  const seats = terms.require.flatMap(({ group, count }) => Array.from({ length: count }, () => group));
  const fill = (index: number, used: ReadonlySet<string>): boolean => {
    const group = seats[index];
    if (group === undefined) return true;
    return people.some(
      (who) => who.groups.includes(group) && !used.has(who.id) && fill(index + 1, new Set([...used, who.id])),
    );
  };
  return fill(0, new Set());
}

/** May approve in the tests' own words: a human whom the policy names, neither alice, who asked, nor pat, who receives. */
export function mayApprove(who: PersonFacts, terms: Terms): boolean {
  const named = terms.approvals.approvers.some((party) => {
    const [kind, name = ''] = party.split(':');
    return kind === 'person' ? who.id === name : who.groups.includes(name);
  });
  return who.kind === 'human' && named && who.id !== 'alice' && who.id !== 'pat';
}

const validAt = (who: PersonFacts, now: number): boolean =>
  (who.valid_from === undefined || epochMs(who.valid_from) <= now) &&
  (who.valid_until === undefined || now < epochMs(who.valid_until));

/** What was said so far, as the test knows it: the digests of approvals that were genuine. */
export interface Witness {
  genuineApprovals: ReadonlySet<string>;
}

/** Everything that must hold of one step. Throws with the invariant's name. */
export function checkStep(
  before: CeremonyState,
  event: CeremonyEvent,
  after: CeremonyState,
  now: number,
  witness: Witness,
): void {
  checkState(after, now, witness);
  const ticked = step(before, { type: 'tick' }, now);
  checkEndsAreFinal(before, after);
  if (after.signed !== null && isEnd(after.phase) && !isEnd(before.phase)) {
    demand(ticked.reseal?.step === 'checking', 'only agreeing absent reads that were asked for now can end a ceremony');
    demand(event.type === 'absence' && event.outcome.outcome === 'absent', 'nothing but absence confirms');
  }
  if (isEnd(after.phase) && !isEnd(before.phase) && after.phase !== 'refused') checkTold(after);
  if (after.phase === 'refused' && before.phase === 'awaiting_approval') checkTold(after);
  // An effect has said that the intent is not the authority's, and this is the authority's word on what stands.
  const told = isAsking(ticked) && event.type === 'marked';
  const disowned = told && event.standing === null;
  checkAsking(ticked, event, after);
  checkRenewal(ticked, event, after);
  if (before.phase === 'resealing') {
    demand(
      after.phase === 'resealing' || (disowned ? BEFORE_INTENT : AFTER_INTENT).has(after.phase),
      'nothing leaves resealing but an end',
    );
  }
  const extended = event.type === 'extension_applied' && event.outcome.outcome === 'granted' && hasMoved(before, after);
  if (extended) checkExtended(ticked, after, now);
  if (before.signed !== null) {
    const stands = told ? event.standing : extended ? ticked.extension?.signed : before.signed;
    demand(
      json(after.signed) === json(stands),
      'an intent never changes, but for the one that the authority says stands',
    );
  }
  if (told) checkTakenOver(ticked, event.standing, after);
  const unmade = event.type === 'appended' && event.refused?.includes('end_mark') === true;
  if (before.mark === 'standing')
    demand(
      after.mark === (unmade && (before.again?.end_mark ?? 0) < MAX_AGAIN ? 'pending' : 'standing'),
      'nothing clears an end mark',
    );
  for (const times of Object.values(after.again ?? {}))
    demand(times <= MAX_AGAIN, 'nothing is asked for again for ever');
  if (before.reseal?.step === 'confirmed')
    demand(
      json({ ...after.reseal, sessions_ended_at: null }) === json({ ...before.reseal, sessions_ended_at: null }),
      'what was confirmed stays as it was',
    );
  if (after.phase === 'issuing' && before.phase !== 'issuing') checkQuorum(after, now);
  if (event.type === 'tick') {
    const next = wake(after);
    demand(next === undefined || next > now, 'a tick uses up every time that has come');
  }
  if (event.type === 'heard') {
    demand(
      json(step(ticked, event, now)) === json(after),
      'a deadline passes first, whatever order tick and message come in',
    );
    checkHeard(ticked, event, after, now);
  }
  for (const verdict of before.verdicts) {
    if (verdict.reason === 'name_disagrees') continue;
    const told = after.verdicts.find(({ digest }) => digest === verdict.digest);
    demand(told !== undefined && json(told) === json(verdict), 'the answer for the same bytes never changes');
  }
}

const hasMoved = (before: CeremonyState, after: CeremonyState): boolean => after.prior.length > before.prior.length;

/** The deadline moves in one way: approved, issued, and granted by the provider while the one before still held. */
function checkExtended(ticked: CeremonyState, after: CeremonyState, now: number): void {
  const { extension, signed, opened } = ticked;
  demand(
    ticked.phase === 'active' && extension?.step === 'updating',
    'only what the provider was asked for is extended',
  );
  if (extension?.signed === undefined || extension.signed === null || signed === null || opened === null)
    throw new Error('broken: an extension needs an intent');
  demand(now < epochMs(signed.intent.deadline), 'nothing is extended once its deadline has passed');
  demand(json(after.prior.at(-1)) === json(signed), 'what was extended is kept');
  const first = after.prior[0]?.intent.issued_at ?? '';
  demand(
    epochMs(extension.deadline) <= epochMs(first) + opened.terms.timebox.max * 1000,
    "never past the policy's maximum, counted from the first start",
  );
  demand(
    bruteQuorum(
      opened.terms.approvals,
      extension.approvals.map(({ person }) => person),
    ),
    'a new quorum extends',
  );
}

/** Only an effect's word, in the round under way, makes the ceremony ask what stands; only the authority's answers it. */
function checkAsking(ticked: CeremonyState, event: CeremonyEvent, after: CeremonyState): void {
  if (isAsking(after) && !isAsking(ticked)) {
    const said = event.type === 'rolled_back' || event.type === 'absence' ? event : undefined;
    demand(said?.outcome.outcome === 'not_authentic', 'nothing is asked that no effect disowned');
    demand(said?.round === ticked.reseal?.round, 'a word of another round asks nothing');
  }
  if (!isAsking(ticked) || event.type === 'marked') return;
  demand(isAsking(after), 'nobody but the authority answers what stands');
  demand(json(after.signed) === json(ticked.signed), 'asking changes no intent');
  demand(
    event.type === 'applied' || after.grant === ticked.grant,
    'only a late answer of the effect changes the grant',
  );
}

/** What the authority's word on what stands changes, and that it changes no more. */
function checkTakenOver(ticked: CeremonyState, standing: CeremonyState['signed'], after: CeremonyState): void {
  demand(after.mark === 'standing', 'the word comes with the end mark');
  const others = ({ outbox }: CeremonyState) => outbox.filter(({ transition }) => transition !== 'intent');
  const kept = others(ticked).every((item) => after.outbox.some((now) => json(now) === json(item)));
  demand(kept, 'no entry is taken back but that of the intent');
  if (standing === null) {
    demand(
      after.signed === null && after.reseal === null && isEnd(after.phase),
      'where none stands nothing is resealed',
    );
    demand(
      after.grant === 'never_tried' && !after.grant_seen && !after.verified,
      'nothing of what was claimed is kept',
    );
    demand(after.refusal !== null && after.ending?.cause !== 'refused_by_provider', 'the end says why');
    demand(!after.outbox.some(({ transition }) => transition === 'intent'), 'no ledger is told of a forged intent');
    return;
  }
  demand(
    after.phase === 'resealing' && json(after.ending) === json(ticked.ending),
    'the reseal goes on, for its cause',
  );
  demand(after.reseal?.step === 'rolling_back', 'what stands is rolled back');
  demand(json(after.reseal?.signed) === json(standing), 'by the intent that stands');
  demand(after.reseal?.round === (ticked.reseal?.round ?? 0) + 1, 'in a round of its own');
  if (json(standing) === json(ticked.signed)) return;
  demand(
    after.grant === 'unanswered' && after.tried_before,
    'of another intent nothing is known, and unknown is granted',
  );
  demand(after.reseal?.seen === false && after.reseal.word === null, 'what was seen and said was of another');
}

/** A warrant is asked for again only because an effect found one to be over, and nothing is tried meanwhile. */
function checkRenewal(ticked: CeremonyState, event: CeremonyEvent, after: CeremonyState): void {
  const spent = event.type === 'applied' && event.outcome.outcome === 'warrant_expired';
  demand(
    after.renewals === ticked.renewals || (spent && after.renewals === ticked.renewals + 1),
    'renewals are counted',
  );
  demand(!after.renewing || ticked.renewing || spent, 'nothing is renewed that no effect found to be over');
  demand(after.renewals <= MAX_RENEWALS, 'renewals are bounded');
  if (!after.renewing || after.phase !== 'granting') return;
  demand(after.warrant === null, 'a warrant that is over is not kept');
  demand(after.tried_before && after.grant === 'unanswered', 'a grant whose warrant is over may have been tried');
  if (!ticked.renewing || event.type !== 'issued') return;
  demand(false, 'every answer ends the asking: a fresh warrant, or the end');
}

function checkTold(ended: CeremonyState): void {
  const told = ended.outbox.some(({ transition }) => transition === 'ended');
  demand(told && commands(ended).some(({ do: what }) => what === 'append'), 'the end is handed to the ledger');
}

function checkEndsAreFinal(before: CeremonyState, after: CeremonyState): void {
  if (!isEnd(before.phase)) return;
  demand(after.phase === before.phase, 'an end never changes');
  demand(after.ended_at === before.ended_at, 'the time of the end never changes');
  demand(json(after.ending) === json(before.ending), 'the cause of the end never changes');
}

function checkQuorum(state: CeremonyState, now: number): void {
  const terms = state.opened?.terms;
  demand(terms !== undefined, 'nothing is issued for an unopened request');
  if (terms === undefined) return;
  const counted = state.approvals
    .map(({ person }) => person)
    .filter((who) => mayApprove(who, terms) && validAt(who, now));
  demand(bruteQuorum(terms.approvals, counted), 'issuing needs a quorum of distinct eligible humans, valid now');
}

function checkHeard(
  ticked: CeremonyState,
  event: Extract<CeremonyEvent, { type: 'heard' }>,
  after: CeremonyState,
  now: number,
): void {
  const verdict = after.verdicts.find(({ digest }) => digest === event.checked.digest);
  const known = ticked.verdicts.some(({ digest }) => digest === event.checked.digest);
  const accepted = verdict?.status === 'accepted' && !(known && json(ticked) === json(after));
  if (accepted) demand(event.checked.ok && event.checked.statement.act === event.signal, 'only the signed act counts');
  const standing = ['granting', 'active', 'active_unverified'].includes(ticked.phase);
  const ofExtension = event.checked.ok && event.checked.statement.round > 1;
  if (accepted && event.signal === 'extend') {
    demand(ticked.phase === 'active' && ticked.ending === null, 'only what is active is extended');
    demand(event.checked.ok && event.checked.person.id === 'alice', 'only the invoker asks for an extension');
  }
  if (accepted && event.signal === 'approve' && ofExtension) {
    const { extension, signed } = ticked;
    demand(ticked.phase === 'active' && extension?.step === 'awaiting_approval', 'an extension waits for approvals');
    demand(now < epochMs(signed?.intent.deadline ?? ''), 'no extension is approved after the deadline');
    const about = event.checked.ok ? event.checked.statement : undefined;
    demand(about?.extension_digest === extension?.digest, 'an approval counts for the very extension it names');
  }
  if (accepted && event.signal === 'approve' && !ofExtension) {
    demand(
      ticked.phase === 'awaiting_approval' || ticked.phase === 'requested',
      'approvals count while they are waited for',
    );
    demand(ticked.approval_by !== null && now < epochMs(ticked.approval_by), 'a late approval never counts');
  }
  if (accepted && REDUCING_ACTS.has(event.signal) && standing) {
    demand(
      after.phase === 'resealing' && after.mark === 'pending',
      'an accepted reducing act reseals in the same step',
    );
    demand(
      commands(after).some(({ do: what }) => what === 'rollback'),
      'accepted means that the rollback is scheduled',
    );
  }
}

function checkState(state: CeremonyState, now: number, witness: Witness): void {
  const wanted = commands(state);
  const kinds = new Set(wanted.map(({ do: what }) => what));
  const deadline = state.signed === null ? undefined : epochMs(state.signed.intent.deadline);
  if (kinds.has('apply')) {
    demand(deadline !== undefined, 'apply needs a recorded intent');
    demand(state.ending === null && state.phase === 'granting', 'no apply once an ending is set');
    demand(deadline !== undefined && now < deadline, 'no apply after the deadline');
    const terms = state.opened?.terms;
    const people = state.approvals.map(({ person }) => person);
    demand(terms !== undefined && bruteQuorum(terms.approvals, people), 'apply needs a quorum');
    demand(!kinds.has('issue') && !state.renewing, 'no apply while a warrant is asked for');
  }
  if (kinds.has('issue') && state.phase !== 'issuing') {
    demand(state.phase === 'granting' && state.renewing, 'an issued intent is asked for again only for a warrant');
    demand(state.ending === null && deadline !== undefined && now < deadline, 'no warrant once an end has come');
  }
  if (isEnd(state.phase)) {
    demand(
      (state.signed === null ? BEFORE_INTENT : AFTER_INTENT).has(state.phase),
      `${state.phase} is not an end for here`,
    );
    demand(state.signed === null || state.reseal?.step === 'confirmed', 'after an intent only confirmed ends');
    demand(state.ended_at !== null, 'an end has a time');
    const over = [
      'apply',
      'verify',
      'watch',
      'rollback',
      'check_absent',
      'issue',
      'admit',
      'survey',
      'extend',
    ] as const;
    for (const effect of over) demand(!kinds.has(effect), `${effect} is wanted after the end`);
  } else demand(state.ended_at === null, 'no time of an end before it');
  if (state.phase === 'resealing') {
    for (const effect of ['apply', 'verify', 'watch', 'issue', 'extend'] as const)
      demand(!kinds.has(effect), `${effect} is wanted while resealing`);
    const working = kinds.has('rollback') || kinds.has('check_absent') || (isAsking(state) && kinds.has('mark'));
    const waiting = state.reseal?.step === 'waiting_for_floor' && wake(state) !== undefined;
    demand(working || waiting, 'a reseal is always under way');
    demand(
      (state.ending !== null && state.mark !== 'none') || state.ending?.cause === 'deadline',
      'a reseal has a cause and a mark',
    );
    const later = state.extension?.signed !== null && state.extension?.step === 'refused';
    demand(!later || state.mark !== 'none', 'what was issued for a later deadline is marked as ended');
  }
  if (!isFinished(state)) demand(wanted.length > 0 || wake(state) !== undefined, 'no state is a dead end');
  else {
    demand(state.mark !== 'pending' && state.audit !== 'pending', 'finished with something left to do');
    demand(state.outbox.length === 0, 'finished with entries that no ledger holds');
  }
  checkApprovals(state, witness);
  checkBounds(state);
  demand(new Set(wanted.map(({ key }) => key)).size === wanted.length, 'keys of commands are unique');
  demand(
    json(commands(JSON.parse(json(state)) as CeremonyState)) === json(wanted),
    'commands follow from the state alone',
  );
  demand(viewOf(state).status === statusOf(state), "Sentinel's status");
}

const statusOf = (state: CeremonyState): string | null =>
  state.signed === null ? null : isEnd(state.phase) ? (STATUS[state.phase] ?? null) : 'active';

function checkApprovals(state: CeremonyState, witness: Witness): void {
  checkApproved(state.approvals, state, witness);
  checkApproved(state.extension?.approvals ?? [], state, witness);
  const granted = new Set(state.approvals.map(({ digest }) => digest));
  const again = (state.extension?.approvals ?? []).some(({ digest }) => granted.has(digest));
  demand(!again, 'no approval of the grant counts for an extension');
}

function checkApproved(
  approvals: CeremonyState['approvals'],
  { opened }: CeremonyState,
  { genuineApprovals }: Witness,
): void {
  demand(new Set(approvals.map(({ person }) => person.id)).size === approvals.length, 'one person approves once');
  for (const { person, digest } of approvals) {
    demand(opened !== null && mayApprove(person, opened.terms), `${person.id} is no eligible approver`);
    demand(genuineApprovals.has(digest), 'only genuine approvals are kept');
  }
}

function checkBounds(state: CeremonyState): void {
  const refused = state.verdicts.filter(({ status }) => status === 'refused').length;
  demand(refused <= 64, 'at most 64 refusals are recorded');
  demand(state.verdicts.length - refused === state.seen.length, 'an accepted statement has its verdict');
  demand(
    new Set(state.verdicts.map(({ digest }) => digest)).size === state.verdicts.length,
    'one verdict for a digest',
  );
  demand(state.seen.length <= 256 + 17, 'accepted statements are bounded');
  demand(state.findings.length <= 64, 'findings are bounded');
  demand(state.outbox.length <= 400, 'the outbox is bounded');
  const transitions = state.outbox.map(({ transition }) => transition);
  demand(new Set(transitions).size === transitions.length, 'a transition waits once');
  demand(state.appended + state.outbox.length === state.drafted, 'every entry is waiting or appended');
  demand(state.flush_to <= state.drafted, 'no more is to be flushed than was drafted');
}
