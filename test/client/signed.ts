import { instant } from '../../domain/identifiers.js';
import type { Request } from '../../domain/request.js';
import type { SignalAct, SignedStatement } from '../../domain/statement.js';
import { fileSigner } from '../../client/keys/file-signer.js';
import { signAct, signRequest, signReview } from '../../client/cli/signed-statement.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { testPolicy, type People } from './people.js';

/** A request of alice's for herself, under the test policy, asked for now. */
export function aliceAsks(eventId: string, change: Partial<Request> = {}): Request {
  const alice = { object_id: 'a11ce000-0000-4000-8000-000000000001', upn: 'alice@example.test' };
  return {
    event_id: eventId,
    profile: 'security-admin',
    reason_code: 'incident',
    justification: 'Contain the mailbox rule of INC-4711',
    ticket: null,
    duration_seconds: 1800,
    invoker: { person: 'alice', upn: alice.upn },
    principal: alice,
    effect: {
      kind: 'entra.directory_role',
      tenant_id: testPolicy.tenant_id,
      role_template_id: '194ae4cb-b126-40b2-bd5b-6091b380977d',
      role_name: 'Security Administrator',
      directory_scope_id: '/',
      end_sessions: true,
    },
    policy_digest: digestOf(testPolicy),
    requested_at: instant(Date.now()),
    ...change,
  };
}

const validity = () => ({ issuedMs: Date.now(), notAfterMs: Date.now() + 600_000 });

async function actor(people: People, id: string) {
  return { person: { id, upn: `${id}@example.test`, object_id: '' }, signer: await fileSigner(people.keyOf(id)) };
}

export async function signedRequest(people: People, request: Request): Promise<SignedStatement> {
  return signRequest(await actor(people, request.invoker.person), request, validity());
}

export async function signedAct(
  people: People,
  id: string,
  act: SignalAct,
  request: Request,
): Promise<SignedStatement> {
  const { event_id, policy_digest } = request;
  return signAct(
    await actor(people, id),
    act,
    { event_id, policy_digest, request_digest: digestOf(request) },
    validity(),
  );
}

export async function signedReview(
  people: People,
  id: string,
  request: Request,
  note?: string,
): Promise<SignedStatement> {
  const { event_id, policy_digest } = request;
  const about = { event_id, policy_digest, request_digest: digestOf(request) };
  return signReview(await actor(people, id), note === undefined ? about : { ...about, note }, validity());
}
