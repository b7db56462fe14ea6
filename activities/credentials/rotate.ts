import { ApplicationFailure } from '@temporalio/common';
import type { SignedIntent } from '../../domain/intent.js';
import type { CredentialsTasks } from '../../domain/tasks.js';
import { requireAuthentic } from '../graph/effect-deps.js';
import { rotateApplicationSecret } from './application-secret.js';
import type { CredentialsDeps } from './rotation.js';
import { resetUserPassword } from './user-password.js';

/**
 * The credentials role. What it rotates stands in the authority's signed intent, and needs nothing else: to take an old
 * credential out of force reduces. Arguments are anybody's, and can choose no target, no sink and no secret.
 */
export const credentialsTasks = (deps: CredentialsDeps): CredentialsTasks => ({
  rotate: async ({ signed, index }) => {
    const rotation = rotationOf(signed, index);
    requireAuthentic(signed, deps);
    const about = { intent: signed.intent, index };
    return rotation.kind === 'application_secret'
      ? rotateApplicationSecret(deps, { ...about, rotation })
      : resetUserPassword(deps, { ...about, rotation });
  },
});

function rotationOf({ intent }: SignedIntent, index: number) {
  const rotation = intent.on_kill?.rotate[index];
  if (rotation !== undefined) return rotation;
  throw ApplicationFailure.nonRetryable('the intent names no such rotation', 'rotation_unknown');
}
