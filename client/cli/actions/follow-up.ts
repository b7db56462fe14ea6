import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { FollowUpAct, FollowUpStatement } from '../../../domain/follow-up.js';
import type { FollowUpStanding } from '../../../domain/follow-up-tasks.js';
import { grantedSchema, type Granted } from '../../../domain/kill-state.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { EXIT } from '../../api/exit-status.js';
import type { ResealApi } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import { readReports, type ReadReport } from '../../api/send-follow-up.js';
import { readAsked } from '../asked-request.js';
import { checkedEventId } from '../chosen-event.js';
import { actorOf } from '../identity.js';
import { Interrupted } from '../interrupted.js';
import type { FollowUpOptions } from '../options.js';
import { oneLine } from '../printable.js';
import { confirm } from '../prompt.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { signFollowUp } from '../signed-statement.js';

const LIFE_MS = 60 * 60 * 1000;
const POLL_MS = 1_000;
const ANSWER_MS = 10 * 60_000;

const listedData = z.object({ granted: z.array(grantedSchema) });

/** `reseal breakglass take-back EVENT`: signs for those of the listed things that are to be taken back. */
export async function takeBack(session: Session, event: string, options: FollowUpOptions): Promise<number> {
  const id = checkedEventId(event);
  const api = await session.api();
  const report = latest(await api.ledger(id), 'granted_listed');
  const listed = report === undefined ? [] : listedData.parse(report.entry.data).granted;
  if (report === undefined || listed.length === 0) {
    throw new ResealError('usage', `nothing is listed that the principal of ${id} gave to others`, {
      hint: `reseal breakglass check ${id}`,
    });
  }
  for (const [index, granted] of listed.entries()) session.show(`${index + 1}  ${thingText(granted)}`);
  const chosen = chosenOf(listed, options);
  const entries = chosen.map((granted) => digestOf(granted));
  const many = chosen.length === 1 ? 'this one' : `these ${chosen.length}`;
  const about = { act: 'take_back', entries } as const;
  return sign(session, api, { id, report, about, question: `take ${many} back` }, options);
}

/** `reseal breakglass restore-account EVENT`: signs for the account that the kill disabled to be enabled again. */
export async function restoreAccount(session: Session, event: string, options: FollowUpOptions): Promise<number> {
  const id = checkedEventId(event);
  if (options.notForCompromise !== true) {
    throw new ResealError('usage', 'after a compromise an account stays disabled: --not-for-compromise is missing', {
      hint: 'say it only where you know it: your signature is over it',
    });
  }
  const api = await session.api();
  const report = latest(await api.ledger(id), 'account_disabled');
  if (report === undefined) {
    throw new ResealError('usage', `no role says that it disabled an account in ${id}`, {
      hint: `reseal breakglass check ${id}`,
    });
  }
  const about = { act: 'restore_account', not_for_compromise: true } as const;
  return sign(session, api, { id, report, about, question: 'have the account enabled again' }, options);
}

const latest = (entries: Parameters<typeof readReports>[0], type: string): ReadReport | undefined =>
  readReports(entries).findLast(({ entry }) => entry.type === type);

/** By `--entry`, which counts from 1; or with `--all` whatever stands and can be removed. */
function chosenOf(listed: readonly Granted[], { entry, all }: FollowUpOptions): Granted[] {
  const standing = listed.filter(({ via, standing: stands }) => via !== 'other' && stands === true);
  if (all === true && entry === undefined && standing.length > 0) return standing;
  const wrong = (message: string): ResealError =>
    new ResealError('usage', message, { hint: '--entry 1 --entry 3, by the numbers shown, or --all' });
  if (entry === undefined || all === true)
    throw wrong(all === true ? 'none of them stands' : 'say which: --entry or --all');
  const chosen = entry.map((text) => {
    const granted = /^[1-9]\d{0,2}$/.test(text) ? listed[Number(text) - 1] : undefined;
    if (granted === undefined) throw wrong(`--entry ${oneLine(text)}: the list has ${listed.length}`);
    return granted;
  });
  return [...new Set(chosen)];
}

function thingText({ activity, principal_id, role_template_id, at, standing, via }: Granted): string {
  const role = role_template_id === null ? '' : ` role ${role_template_id}`;
  const now = standing === null ? 'not looked up' : standing ? 'stands' : 'gone';
  const by = via === 'other' ? ', for you to undo by hand' : '';
  return `${oneLine(activity)}:${role} to ${oneLine(principal_id ?? 'somebody')} ${at ?? ''} (${now}${by})`;
}

interface Signing {
  id: string;
  report: ReadReport;
  about:
    | Pick<Extract<FollowUpStatement, { act: 'take_back' }>, 'act' | 'entries'>
    | Pick<Extract<FollowUpStatement, { act: 'restore_account' }>, 'act' | 'not_for_compromise'>;
  question: string;
}

async function sign(
  session: Session,
  api: ResealApi,
  { id, report, about, question }: Signing,
  options: FollowUpOptions,
): Promise<number> {
  const actor = await actorOf(session, api);
  const asked = await readAsked(api, id);
  if (session.asks && options.yes !== true) {
    const agreed = await confirm(session, `${question}, as ${oneLine(actor.person.upn)}?`);
    if (!agreed) {
      session.warn('nothing was signed');
      return EXIT.denied;
    }
  }
  const reason = options.reason?.trim();
  const said = {
    event_id: id,
    request_digest: asked.digest,
    policy_digest: asked.request.policy_digest,
    report_digest: report.digest,
    ...(reason === undefined || reason === '' ? {} : { reason }),
  };
  // The authority's clock judges it, also where a ceremony of the local stack is ahead of it.
  const validity = { issuedMs: session.now(), notAfterMs: session.now() + LIFE_MS };
  const envelope = await session.during(
    'waiting for the key: touch it, if it is made of hardware',
    signFollowUp(actor, { ...said, ...about }, validity),
  );
  const { id: follow } = await api.sendFollowUp(id, envelope);
  const standing = await standingOf(session, id, () => api.followUp(id, follow));
  tell(session, id, about.act, standing);
  const text = await structured(session.output, { event_id: id, follow_up: follow, ...standing });
  if (text !== undefined) session.data(text);
  return exitOf(standing);
}

/** Asks until it is done, refused, or waits for somebody else. Throws `Interrupted`. */
async function standingOf(
  session: Session,
  id: string,
  ask: () => Promise<FollowUpStanding>,
): Promise<FollowUpStanding> {
  const { signal } = session.io;
  const until = performance.now() + ANSWER_MS;
  const over = session.status.begin('sent; waiting for what the roles say');
  try {
    for (;;) {
      const standing = await ask();
      if (standing.status !== 'working' || performance.now() >= until) return standing;
      await sleep(POLL_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
      if (signal?.aborted === true) {
        const message = 'stopped waiting: it was sent, and goes on without you';
        throw new Interrupted(message, `reseal ledger show ${id}`);
      }
    }
  } finally {
    over();
  }
}

function tell(session: Session, id: string, act: FollowUpAct, standing: FollowUpStanding): void {
  switch (standing.status) {
    case 'working':
      session.warn(`not done yet: ${oneLine(standing.doing)}`);
      break;
    case 'waiting':
      session.say(`signed by ${standing.have} of ${standing.want}: somebody else must sign for the same, within a day`);
      for (const { code } of standing.objections) session.warn(`one statement does not count: ${oneLine(code)}`);
      break;
    case 'refused':
      session.warn(`refused: ${oneLine(standing.code)}: ${oneLine(standing.message)}`);
      break;
    case 'done':
      for (const { what, result, code } of standing.steps)
        session.say(`${act} ${oneLine(what)}: ${result}${code === null ? '' : ` (${oneLine(code)})`}`);
      if (standing.confirmed === true) session.say('confirmed by agreeing reads of the verifier');
      else if (standing.confirmed === false) session.warn('the verifier still reads otherwise');
  }
  session.next(`reseal ledger show ${id}`);
}

function exitOf(standing: FollowUpStanding): number {
  switch (standing.status) {
    case 'working':
      return EXIT.unreachable;
    case 'waiting':
      return EXIT.done;
    case 'refused':
      return standing.code === 'not_entitled' ? EXIT.denied : EXIT.refused;
    case 'done':
      if (standing.steps.some(({ result }) => result === 'refused')) return EXIT.refused;
      return standing.confirmed === true ? EXIT.done : EXIT.rollback_unconfirmed;
  }
}
