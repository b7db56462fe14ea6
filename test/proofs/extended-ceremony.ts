import { instant } from '../../domain/identifiers.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { Request } from '../../domain/request.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { Evidence } from '../../domain/tasks.js';
import { sha256Hex } from '../../proofs/canonical-json.js';
import { admissionOf, alice, bob, carol, signAct, signRequest, type TestPerson } from './ceremony-people.js';

const MIN = 60_000;

/** Alice's signed wish for more time: `minutes` later than the last intent's deadline. */
export function askedExtension(
  request: Request,
  prior: readonly SignedIntent[],
  {
    minutes = 20,
    at,
    by = alice,
    ...over
  }: { minutes?: number; at: number; by?: TestPerson } & Record<string, unknown>,
): SignedStatement {
  const last = Date.parse(prior.at(-1)?.intent.deadline ?? '');
  const deadline = instant(last + minutes * MIN);
  return signAct(by, 'extend', request, { round: prior.length + 1, deadline, ...over }, at);
}

/** An approval of exactly this extension. */
export function approvedExtension(
  by: TestPerson,
  request: Request,
  asked: SignedStatement,
  at: number,
  over: Record<string, unknown> = {},
): SignedStatement {
  const { round, deadline } = JSON.parse(asked.payload) as { round: number; deadline: string };
  return signAct(by, 'approve', request, { round, deadline, extension_digest: sha256Hex(asked.payload), ...over }, at);
}

/** Evidence of an extension that bob and carol approved. */
export function extensionEvidence(
  request: Request,
  prior: SignedIntent[],
  { at, minutes = 20 }: { at: number; minutes?: number },
): Evidence & { extension: NonNullable<Evidence['extension']> } {
  const asked = askedExtension(request, prior, { minutes, at });
  return {
    event_id: request.event_id,
    request: signRequest(request),
    approvals: [bob, carol].map((who) => approvedExtension(who, request, asked, at)),
    admission: admissionOf(request),
    extension: { asked, prior },
  };
}
