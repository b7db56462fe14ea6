import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../../api/exit-status.js';
import type { ResealApi } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import type { EffectKind } from '../../../domain/effects/effects.js';
import { parseDuration } from '../../../domain/duration.js';
import { instant } from '../../../domain/identifiers.js';
import { hasJobTools, JOB_TOOLS, jobToolOf, type JobTool } from '../../../domain/job-tools.js';
import type { JobStatement } from '../../../domain/job-statement.js';
import { MAX_STATEMENT_LIFE_MS, STATEMENT_DOMAIN, type SignedStatement } from '../../../domain/statement.js';
import { JOB_ENDED, type JobEnded } from '../../../domain/tool-call.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { generateHolderKey, proveHolding, type HolderKey } from '../../../proofs/holder-proof.js';
import { Child, statusOf, type ChildEnd } from '../../jobs/child.js';
import { JobKeeper, type GivenJob, type JobOver } from '../../jobs/job-keeper.js';
import { startToolHelper } from '../../jobs/tool-helper.js';
import { readAsked, type Asked } from '../asked-request.js';
import { checkedEventId } from '../chosen-event.js';
import { actorOf, type Actor } from '../identity.js';
import { oneLine } from '../printable.js';
import type { Session } from '../session.js';

export interface ExecOptions {
  tools?: string;
  confinedBy?: string;
  grace?: string;
}

const DEFAULT_GRACE_SECONDS = 10;
/** The job is over: nobody waits longer for its last word. */
const LAST_WORD_MS = 10_000;

/**
 * `reseal exec EVENT -- COMMAND`: runs a command inside the window of a ceremony, with tools and without a key, and halts
 * it when the ceremony ends. Answers the command's own status, or 4, 5 or 6 where it was halted.
 */
export async function execJob(
  session: Session,
  event: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  const eventId = checkedEventId(event);
  const graceMs = graceOf(options.grace);
  const api = await session.api();
  const [view, asked, actor] = await Promise.all([api.get(eventId), readAsked(api, eventId), actorOf(session, api)]);
  if (view.state !== 'active' && view.state !== 'active_unverified')
    throw new ResealError('refused', `event ${eventId} is ${view.state}: a job runs while it is active`, {
      hint: `reseal breakglass watch ${eventId}`,
    });
  const holder = generateHolderKey();
  const terms = {
    holder: holder.holder,
    tools: await toolsOf(api, asked.request.effect.kind, options.tools),
    confined_by: confinement(options),
  };
  const envelope = await session.during(
    'waiting for the key: touch it, if it is made of hardware',
    signJob(actor, asked, terms, session.now()),
  );
  const first = await session.during('waiting until the authority has judged it', api.job(envelope));
  if (first.outcome === 'refused') {
    session.warn(`not let in: ${first.code}: ${first.message}`);
    return first.code === 'not_entitled' ? EXIT.denied : EXIT.refused;
  }
  tellConfinement(session, first, terms.confined_by);
  return run(session, { api, eventId, envelope, first, holder, command, graceMs });
}

interface Running {
  api: ResealApi;
  eventId: string;
  envelope: SignedStatement;
  first: GivenJob;
  holder: HolderKey;
  command: readonly string[];
  graceMs: number;
}

async function run(session: Session, running: Running): Promise<number> {
  const { api, eventId, envelope, first, holder, command, graceMs } = running;
  const { io } = session;
  const keeper = new JobKeeper({ api, eventId, envelope, first });
  const token = (): string => keeper.token;
  const about = () => ({ event_id: eventId, job: first.job, deadline: keeper.deadline, tools: first.tools });
  const helper = await startToolHelper({ api, holder, token, about });
  let end: ChildEnd | undefined;
  let over: JobOver | undefined;
  try {
    const env = environmentOf(io.env, { eventId, first, socketPath: helper.socketPath });
    const child = new Child(command, { env, cwd: io.cwd, isTTY: io.isTTY });
    over = await Promise.race([keeper.over, child.ended.then(() => undefined)]);
    if (over !== undefined) {
      session.warn(`${first.job} is halted: ${over.message}`);
      end = await child.halt(graceMs);
    } else end = await child.ended;
  } finally {
    keeper.stop();
    await helper.close();
  }
  await tellEnded(session, running, token(), { ...end, halted: over?.code ?? null });
  return over === undefined ? statusOf(end) : STATUS_OF[over.why];
}

const STATUS_OF = {
  ended: EXIT.denied,
  refused: EXIT.denied,
  deadline: EXIT.expired,
  unreachable: EXIT.unreachable,
} as const;

/** Best effort: the job is over whether or not anybody writes it down. */
async function tellEnded(session: Session, { api, holder }: Running, token: string, ended: JobEnded): Promise<void> {
  const call = { token, tool: JOB_ENDED, body: { ...ended } };
  try {
    const proof = await proveHolding(call, holder, session.now());
    const told = Promise.race([api.callTool({ ...call, proof }), sleep(LAST_WORD_MS, undefined, { ref: false })]);
    const answer = await session.during('having the end of the job recorded', told);
    if (answer?.outcome === 'done') return;
    session.warn(
      `that the job has ended is not in the ledger: ${answer?.outcome === 'refused' ? answer.code : 'no answer'}`,
    );
  } catch (error) {
    session.warn(
      `that the job has ended is not in the ledger: ${error instanceof ResealError ? error.code : 'failed'}`,
    );
  }
}

/** The child's environment: nothing with which it could speak for the person who runs it. */
export function environmentOf(
  env: Readonly<Record<string, string | undefined>>,
  { eventId, first, socketPath }: { eventId: string; first: GivenJob; socketPath: string },
): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('RESEAL_') && !name.startsWith('SSH_A'));
  return {
    ...Object.fromEntries(kept),
    RESEAL_EVENT_ID: eventId,
    RESEAL_JOB: first.job,
    RESEAL_TOOLS: first.tools.join(' '),
    RESEAL_TOOLS_SOCKET: socketPath,
    RESEAL_DEADLINE: first.deadline,
  };
}

function tellConfinement(session: Session, { elevated }: GivenJob, confinedBy: string | null): void {
  if (confinedBy !== null)
    return session.say(`the command is confined by ${oneLine(confinedBy)}, as you say: nothing here checks it`);
  if (elevated) return session.say('the command runs unconfined on this machine, as the contract allows');
  session.warn(
    'the command runs UNCONFINED: it can do on this machine whatever you can, and the contract does not allow that. Run it in a container or a sandbox, and say so with --confined-by',
  );
}

function confinement({ confinedBy }: ExecOptions): string | null {
  const text = confinedBy?.trim();
  if (text === undefined) return null;
  if (text.length >= 1 && text.length <= 200) return text;
  throw new ResealError('usage', '--confined-by is 1 to 200 characters');
}

function graceOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_GRACE_SECONDS * 1000;
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds <= 300) return seconds * 1000;
  throw new ResealError('usage', `--grace is a duration of at most 5m, such as 10s, not "${text}"`);
}

const USES = ['read', 'write', 'remove'] as const;

/** Those that were named, by full name or use; else those of the ceremony's kind that the contract allows. */
async function toolsOf(api: ResealApi, kind: EffectKind, named: string | undefined): Promise<JobTool[]> {
  if (!hasJobTools(kind))
    throw new ResealError('refused', `there are no tools for ${kind}: no job is let into such a ceremony`, {
      hint: 'docs/jobs.md says which kinds have any',
    });
  if (named !== undefined) return [...new Set(named.split(',').map((name) => toolNamed(kind, name.trim())))];
  const { contract } = (await api.policy()).policy;
  const own = USES.map((use) => jobToolOf(kind, use)).filter((tool) => tool !== undefined);
  return own.filter((tool) => contract?.execution.tools_allowlist.includes(tool) ?? true);
}

function toolNamed(kind: EffectKind, name: string): JobTool {
  const found = jobToolOf(kind, name) ?? JOB_TOOLS.find((tool) => tool === name);
  if (found !== undefined) return found;
  throw new ResealError('usage', `"${name}" is no tool: there are read, write and remove`);
}

async function signJob(
  { person, signer }: Actor,
  { request, digest }: Asked,
  job: JobStatement['job'],
  nowMs: number,
): Promise<SignedStatement> {
  // As long as a statement may live: each token is judged anew, and none outlives the deadline.
  const statement: JobStatement = {
    domain: STATEMENT_DOMAIN,
    act: 'job',
    event_id: request.event_id,
    request_digest: digest,
    policy_digest: request.policy_digest,
    person: person.id,
    issued_at: instant(nowMs),
    not_after: instant(nowMs + MAX_STATEMENT_LIFE_MS),
    job,
  };
  const payload = canonicalJson(statement);
  return { payload, signature: await signer.sign(Buffer.from(payload, 'utf8'), STATEMENT_DOMAIN) };
}
