import { ApplicationFailure } from '@temporalio/common';

import { ENTRY_ROLES, type EntryPayload } from '../../domain/entry.js';
import type { OpenOutcome } from '../../domain/outcomes.js';
import { termsOf, type Policy } from '../../domain/policy.js';
import { requestRefusal } from '../../domain/request.js';
import type { Roster } from '../../domain/roster.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { CeremoniesTasks } from '../../domain/tasks.js';
import { signReceipt } from '../../proofs/receipt.js';
import type { RoleKey } from '../../proofs/role-key.js';
import { checkRequestStatement, checkStatement } from '../../proofs/statement-check.js';

/** A policy with its digest: the hex SHA-256 of its RFC 8785 form. */
export interface PolicyInForce {
  policy: Policy;
  digest: string;
}

/** What the ceremonies role holds: the public roster, the policy in force, and its own signing key. */
export interface CeremoniesHoldings {
  roster: () => Roster;
  policy: () => PolicyInForce;
  key: Pick<RoleKey, 'keyid' | 'privateKey'>;
}

/** The local activities of the worker that runs ceremonies. Nothing in them waits, and none has authority. */
export function ceremoniesTasks({ roster, policy, key }: CeremoniesHoldings): CeremoniesTasks {
  return {
    open: ({ event_id, envelope }) => Promise.resolve(open(event_id, envelope, roster(), policy())),
    check: ({ envelopes }) => {
      const people = roster();
      return Promise.resolve(envelopes.map((envelope) => checkStatement(envelope, people)));
    },
    // Async, so that a draft that may not be signed fails the activity and not its caller's call.
    sign: async ({ drafts }) => {
      await Promise.resolve();
      return drafts.map((draft) => signReceipt(ownDraft(draft), key));
    },
  };
}

function open(eventId: string, envelope: SignedStatement, roster: Roster, inForce: PolicyInForce): OpenOutcome {
  const asked = checkRequestStatement(envelope, roster);
  if (!asked.ok) return { outcome: 'refused', code: asked.reason, message: asked.message };
  const { request } = asked.statement;
  if (request.event_id !== eventId) {
    return { outcome: 'refused', code: 'foreign_event', message: `it asks for event ${request.event_id}` };
  }
  const terms = termsOf(inForce.policy, request.profile);
  if (terms === undefined) {
    const message = `the policy has no profile ${request.profile}`;
    return { outcome: 'refused', code: 'profile_unknown', message };
  }
  const refusal = requestRefusal(request, terms, inForce.digest);
  if (refusal !== undefined) return { outcome: 'refused', ...refusal };
  const { request_digest, person } = asked;
  return { outcome: 'opened', request, request_digest, policy_digest: inForce.digest, terms, invoker: person };
}

/** A workflow's drafts are anybody's words: this key signs only what its own role may say. */
function ownDraft(draft: EntryPayload): EntryPayload {
  if (ENTRY_ROLES[draft.type] === 'ceremonies') return draft;
  throw ApplicationFailure.nonRetryable(`the ceremonies role may not say "${draft.type}"`, 'foreign_draft');
}
