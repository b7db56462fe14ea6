import { TOOLS } from '../../domain/contract.js';
import type { JobAnswer } from '../../domain/job-tasks.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../domain/statement.js';
import type { ToolAnswer } from '../../domain/tool-call.js';
import { generateHolderKey, proveHolding, type HolderKey } from '../../proofs/holder-proof.js';
import type { Asked, CeremonyStack } from './ceremony-stack.js';
import { signWith } from './signing.js';

/** What one job holds. */
export interface Job {
  holder: HolderKey;
  envelope: SignedStatement;
  token: string;
  job: string;
}

/** A person's statement that lets a job in; `over` changes what is signed. */
export function jobStatement(
  stack: CeremonyStack,
  asked: Asked,
  person: string,
  holder: HolderKey,
  over: Record<string, unknown> = {},
): SignedStatement {
  const { policy_digest } = asked.request;
  const now = Date.now();
  return signWith(stack.keyOf(person), {
    domain: STATEMENT_DOMAIN,
    act: 'job',
    event_id: asked.event,
    request_digest: asked.request_digest,
    policy_digest,
    person,
    issued_at: new Date(now).toISOString(),
    not_after: new Date(now + 3_600_000).toISOString(),
    job: { holder: holder.holder, tools: Object.values(TOOLS), confined_by: null },
    ...over,
  });
}

export async function askForJob(stack: CeremonyStack, envelope: SignedStatement): Promise<JobAnswer> {
  return (await post(stack, '/v1/jobs', envelope)) as JobAnswer;
}

/** A job of alice's with all tools of directory roles, or these, let in. */
export async function letIn(
  stack: CeremonyStack,
  asked: Asked,
  over: Record<string, unknown> = {},
  person = 'alice',
  tools: readonly string[] = Object.values(TOOLS),
): Promise<Job> {
  const holder = generateHolderKey();
  const job = { holder: holder.holder, tools, confined_by: null };
  const envelope = jobStatement(stack, asked, person, holder, { job, ...over });
  const answer = await askForJob(stack, envelope);
  if (answer.outcome !== 'given') throw new Error(`${answer.code}: ${answer.message}`);
  return { holder, envelope, token: answer.token, job: answer.job };
}

/** The same job with a fresh token. */
export async function renewed(stack: CeremonyStack, job: Job): Promise<Job> {
  const answer = await askForJob(stack, job.envelope);
  if (answer.outcome !== 'given') throw new Error(`${answer.code}: ${answer.message}`);
  return { ...job, token: answer.token };
}

/** Calls a tool through the gateway. What is left out is as the job's own code would have it. */
export async function callTool(
  stack: CeremonyStack,
  { token, holder }: Pick<Job, 'token' | 'holder'>,
  tool: string,
  { body = {}, proof }: { body?: Record<string, unknown>; proof?: string } = {},
): Promise<ToolAnswer> {
  const dpop = proof ?? (await proveHolding({ token, tool, body }, holder, Date.now()));
  const headers = { authorization: `DPoP ${token}`, dpop };
  return (await post(stack, `/v1/tools/${tool}`, body, headers)) as ToolAnswer;
}

/** What an answer comes to, in a word. */
export const codeOf = (answer: ToolAnswer | JobAnswer): string =>
  answer.outcome === 'refused' ? answer.code : answer.outcome;

async function post(stack: CeremonyStack, path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${stack.stack.dev.gateway_url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return answer.json();
}
