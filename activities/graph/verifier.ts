import type { VerifierTasks } from '../../domain/tasks.js';
import { auditGrant } from './audit.js';
import type { GraphDeps } from './effect-deps.js';
import { listGranted } from './granted.js';
import { surveyTarget } from './survey.js';
import { verifyGrant } from './verify.js';
import { verifyRolledBack } from './verify-rolled-back.js';
import { watchGrant } from './watch.js';

/** The activities of the second, read-only identity: what really stands, before, while and after. */
export function verifierTasks(deps: GraphDeps): VerifierTasks {
  return {
    survey: surveyTarget(deps),
    verify: verifyGrant(deps),
    watch: watchGrant(deps),
    verifyRolledBack: verifyRolledBack(deps),
    audit: auditGrant(deps),
    listGranted: listGranted(deps),
  };
}
