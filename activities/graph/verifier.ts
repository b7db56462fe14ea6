import type { EffectKind } from '../../domain/effects/effects.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { verifyAccessRolledBack } from './access/access-absence.js';
import { auditAccess } from './access/access-audit.js';
import { isAccessKind } from './access/access-intent.js';
import { surveyAccess } from './access/access-survey.js';
import { verifyAccess } from './access/access-verify.js';
import { watchAccess } from './access/access-watch.js';
import { verifyAssignmentRolledBack } from './assignment/assignment-absence.js';
import { auditAssignment } from './assignment/assignment-audit.js';
import { surveyAssignment } from './assignment/assignment-survey.js';
import { verifyAssignment } from './assignment/assignment-verify.js';
import { watchAssignment } from './assignment/assignment-watch.js';
import { auditGrant } from './pim/audit.js';
import type { AbsenceDeps } from './absence-look.js';
import { listGranted } from './people/granted.js';
import { surveyTarget } from './pim/survey.js';
import { signedWatch } from './signed-watch.js';
import { verifyGrant } from './pim/verify.js';
import { verifyRolledBack } from './pim/verify-rolled-back.js';
import { watchGrant } from './pim/watch.js';

/** The activities of the second, read-only identity: what really stands, before, while and after. */
export function verifierTasks(deps: AbsenceDeps): VerifierTasks {
  const role = {
    survey: surveyTarget(deps),
    verify: verifyGrant(deps),
    watch: watchGrant(deps),
    verifyRolledBack: verifyRolledBack(deps),
    audit: auditGrant(deps),
  };
  const access = {
    survey: surveyAccess(deps),
    verify: verifyAccess(deps),
    watch: watchAccess(deps),
    verifyRolledBack: verifyAccessRolledBack(deps),
    audit: auditAccess(deps),
  };
  const assignment = {
    survey: surveyAssignment(deps),
    verify: verifyAssignment(deps),
    watch: watchAssignment(deps),
    verifyRolledBack: verifyAssignmentRolledBack(deps),
    audit: auditAssignment(deps),
  };
  const of = (kind: EffectKind) => (isAccessKind(kind) ? access : kind === 'entra.role_assignment' ? assignment : role);
  return {
    survey: (input) => of(input.request.effect.kind).survey(input),
    verify: (input) => of(input.signed.intent.kind).verify(input),
    watch: signedWatch(deps, (input) => of(input.signed.intent.kind).watch(input)),
    verifyRolledBack: (input) => of(input.signed.intent.kind).verifyRolledBack(input),
    audit: (input) => of(input.signed.intent.kind).audit(input),
    listGranted: listGranted(deps),
  };
}
