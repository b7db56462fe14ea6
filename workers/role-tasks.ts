import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { readMark } from '../activities/authority/journal.js';
import { authorityTasks } from '../activities/authority/authority-tasks.js';
import { keepIntentsIn, type KeepIntent } from '../activities/authority/kept-intents.js';
import { followUpTasks } from '../activities/authority/follow-up-tasks.js';
import { jobTasks } from '../activities/authority/job-tasks.js';
import { attestedBefore } from '../activities/authority/incidents/attested-before.js';
import { recoveryTasks } from '../activities/authority/incidents/recovery-tasks.js';
import { ceremoniesTasks } from '../activities/evidence/ceremonies-tasks.js';
import type { ReleaseJudge } from '../activities/containment/containment-deps.js';
import { incidentCeremoniesTasks } from '../activities/evidence/incident-ceremonies-tasks.js';
import { incidentRegisterTasks } from '../activities/register/incidents/incident-register-tasks.js';
import { credentialsTasks } from '../activities/credentials/rotate.js';
import { accountTasks } from '../activities/graph/people/account.js';
import { directoryRoleTasks } from '../activities/graph/pim/directory-role.js';
import { lookAgain } from '../activities/graph/follow-up/look-again.js';
import type { FollowUpDeps } from '../activities/graph/follow-up/order.js';
import { restoreAccount } from '../activities/graph/follow-up/restore-account.js';
import { takeBack } from '../activities/graph/follow-up/take-back.js';
import { verifyFollowUp } from '../activities/graph/follow-up/verify-follow-up.js';
import { conditionalAccessTasks } from '../activities/graph/access/conditional-access.js';
import { judgeGrant } from '../activities/graph/pim/directory-role-judge.js';
import { grantGate, type GateDeps } from '../activities/graph/grant/grant-gate.js';
import { takingOrders } from '../activities/graph/grant/ordered-rollback.js';
import { roleAssignmentTasks } from '../activities/graph/assignment/role-assignment.js';
import { sessionsTasks } from '../activities/graph/people/sessions.js';
import { Turns } from '../activities/graph/access/turns.js';
import { verifierTasks } from '../activities/graph/verifier.js';
import type { InForce } from '../activities/in-force.js';
import type { RegisterHoldings } from '../activities/register/holdings.js';
import { haltJobTask, type HaltDeps } from '../activities/notify/halt-job.js';
import { historyImport, type ImportHoldings } from '../activities/register/import-history.js';
import { jobsLetIn } from '../activities/register/jobs-let-in.js';
import { registerTasks } from '../activities/register/register-tasks.js';
import { sweeperTasks } from '../activities/sweep/sweeper-tasks.js';
import type { Role } from '../domain/roles.js';
import { judgeRelease } from '../proofs/incidents/release-warrant.js';
import { signReceipt } from '../proofs/receipt.js';
import { attestationRole } from './attestation-role.js';
import { containmentRole, hostsSeen } from './containment-role.js';
import { accessFor, graphDeps } from './graph-deps.js';
import { jobRuntimes } from './notice-channels.js';
import { readImportKeys } from './import-keys.js';
import { registerLog } from './role-attempts.js';
import { databaseOf, keyOf, type RoleContext } from './role-context.js';
import { sinksOf } from './sink-settings.js';
import { sweepDeps, sweepSigner } from './sweep-deps.js';
import { graphOf, sectionOf, type GraphJob } from './settings.js';

/** The activities of each role, made from what that role alone holds. */
export const TASKS_OF_ROLE: Readonly<Record<Role, (context: RoleContext) => object>> = {
  ceremonies: (context) => ({
    ...ceremoniesTasks(knownTo(context)),
    ...incidentCeremoniesTasks({ ...knownTo(context), roleKeys: context.trust.keyOf, clock: context.clock }),
  }),
  register: (context) => ({
    ...registerTasks(registerHoldings(context)),
    ...incidentRegisterTasks({ ...registerHoldings(context), ...recoveryRules(context) }),
    importHistory: historyImport(importHoldings(context)),
    haltJob: haltJobTask(haltDeps(context)),
  }),
  authority: (context) => {
    const holdings = {
      database: databaseOf(context, 'authority'),
      key: keyOf(context, 'authority'),
      clock: context.clock,
      ...keptIntents(context),
      ...knownTo(context),
      roleKeys: context.trust.keyOf,
    };
    const tasks = authorityTasks(holdings);
    const attested = attestedBefore(holdings.roleKeys);
    const recoveries = recoveryTasks({ ...holdings, ...recoveryRules(context), attested });
    return { ...tasks, ...jobTasks(holdings, tasks), ...followUpTasks(holdings), ...recoveries };
  },
  'effect:entra.directory_role': (context) => ({
    ...takingOrders(
      { ...knownTo(context), clock: context.clock },
      directoryRoleTasks(graphDeps(context, 'effect:entra.directory_role', 'directory_role')),
    ),
    takeBack: takeBack(followUpDeps(context, 'effect:entra.directory_role', 'directory_role'), 'pim'),
  }),
  // PIM gives memberships as it gives roles: the same activities, under another identity and key.
  'effect:entra.group_membership': (context) =>
    takingOrders(
      { ...knownTo(context), clock: context.clock },
      directoryRoleTasks(graphDeps(context, 'effect:entra.group_membership', 'group_membership')),
    ),
  'effect:entra.sessions': (context) => sessionsTasks(graphDeps(context, 'effect:entra.sessions', 'sessions')),
  'effect:entra.credentials': (context) =>
    credentialsTasks({
      ...graphDeps(context, 'effect:entra.credentials', 'credentials'),
      protectedIds: protectedFromRotation(context),
      sinks: sinksOf(sectionOf(context.settings, 'effect:entra.credentials').sinks),
    }),
  'effect:entra.account': (context) => ({
    ...accountTasks(graphDeps(context, 'effect:entra.account', 'account')),
    restoreAccount: restoreAccount(followUpDeps(context, 'effect:entra.account', 'account')),
  }),
  'effect:entra.conditional_access': (context) =>
    takingOrders(
      { ...knownTo(context), clock: context.clock },
      conditionalAccessTasks({
        ...graphDeps(context, 'effect:entra.conditional_access', 'conditional_access'),
        turns: new Turns(),
      }),
    ),
  'effect:entra.role_assignment': (context) => ({
    ...takingOrders(
      { ...knownTo(context), clock: context.clock },
      roleAssignmentTasks(graphDeps(context, 'effect:entra.role_assignment', 'role_assignment')),
    ),
    takeBack: takeBack(followUpDeps(context, 'effect:entra.role_assignment', 'role_assignment'), 'direct'),
  }),
  'effect:containment': (context) => {
    const graph = graphOf(context.settings, 'effect:containment');
    return containmentRole(
      context,
      graph === null ? null : accessFor(context, 'effect:containment', 'containment'),
      releaseJudge(context),
    );
  },
  verifier: (context) => {
    const deps = { ...graphDeps(context, 'verifier', 'verifier'), roleKeys: context.trust.keyOf };
    const following = { lookAgain: lookAgain(deps), verifyFollowUp: verifyFollowUp(deps) };
    const seen = hostsSeen(context, deps.access);
    return { ...verifierTasks(deps), ...following, ...seen, ...attestationRole(context) };
  },
  sweeper: sweeperRole,
};

/** What stands before a role's activities, on every attempt, where something must. */
export const gateOfRole = (role: Role, context: RoleContext): ActivityInterceptorsFactory | undefined =>
  isGranting(role) ? grantGate(grantGateDeps(context, role)) : undefined;

/** The roles that grant, each with its Graph identity's job. */
const GRANTS = {
  'effect:entra.directory_role': 'directory_role',
  'effect:entra.group_membership': 'group_membership',
  'effect:entra.conditional_access': 'conditional_access',
  'effect:entra.role_assignment': 'role_assignment',
} as const satisfies Partial<Record<Role, GraphJob>>;
type GrantingRole = keyof typeof GRANTS;
const isGranting = (role: Role): role is GrantingRole => Object.hasOwn(GRANTS, role);

/** Without a floor at the provider: their gates also look the end mark up, and grant nothing while they cannot. */
const WITHOUT_FLOOR: ReadonlySet<GrantingRole> = new Set([
  'effect:entra.conditional_access',
  'effect:entra.role_assignment',
]);

/** What the gate of a role that grants judges by. */
export function grantGateDeps(context: RoleContext, role: GrantingRole): GateDeps {
  const deps = { ...graphDeps(context, role, GRANTS[role]), role, judge: judgeOf(context) };
  if (!WITHOUT_FLOOR.has(role)) return deps;
  const journal = databaseOf(context, role);
  return { ...deps, endMark: async (eventId) => (await readMark(journal, eventId))?.cause };
}

const judgeOf = (context: RoleContext) =>
  judgeGrant({
    inForce: context.contracts,
    roleKeys: context.trust.keyOf,
    authorityKey: authorityKeyOf(context),
  });

/** By which a release is judged, by this process's own settings. */
export const recoveryRules = ({ settings, playbooks }: RoleContext) => ({
  ...playbooks,
  compatAck: settings.recovery.compat_ack,
  quorum: settings.recovery.quorum,
});

/** A release is judged by the containment role's own roots, whatever the authority judged before it. */
const releaseJudge =
  (context: RoleContext): ReleaseJudge =>
  (input) =>
    Promise.resolve(
      judgeRelease(input, {
        ...recoveryRules(context),
        roster: context.contracts.roster(),
        roleKeys: context.trust.keyOf,
        authorityKey: authorityKeyOf(context),
        nowMs: context.clock.now(),
      }),
    );

/** What this process knows of contracts and rosters, as the roles ask for it. */
const knownTo = ({ contracts }: RoleContext): InForce => ({
  policy: () => contracts.policy(),
  roster: () => contracts.roster(),
  carrying: (policyDigest, nowMs) => contracts.carrying(policyDigest, nowMs),
  signedRoster: (digest) => contracts.signedRoster(digest),
});

/** Where the authority's settings say that a sweep looks for its intents. */
function keptIntents({ settings }: RoleContext): { keepIntent?: KeepIntent } {
  const { intents_dir } = sectionOf(settings, 'authority');
  return intents_dir === undefined ? {} : { keepIntent: keepIntentsIn(intents_dir) };
}

/** What the register role holds; the reconciler beside it holds the same. */
export function registerHoldings(context: RoleContext): RegisterHoldings {
  return {
    database: databaseOf(context, 'register'),
    key: keyOf(context, 'register'),
    clock: context.clock,
    ...knownTo(context),
    roleKeys: context.trust.keyOf,
    log: registerLog(context),
  };
}

/** What importing needs besides: keys that are the register's own business, whoever sends the lines. */
const importHoldings = (context: RoleContext): ImportHoldings => ({
  ...registerHoldings(context),
  importKeys: () => readImportKeys(sectionOf(context.settings, 'register').sentinel_import_keys ?? {}, context.log),
});

/** What it takes to have foreign runtimes halt jobs. */
function haltDeps(context: RoleContext): HaltDeps {
  const key = keyOf(context, 'register');
  return {
    clock: context.clock,
    authorityKey: authorityKeyOf(context),
    sign: (payload) => signReceipt(payload, key),
    runtimes: jobRuntimes(sectionOf(context.settings, 'register').job_runtimes ?? {}),
    jobsOf: jobsLetIn(databaseOf(context, 'register')),
  };
}

/** The sweeper knows no policy, no roster and no contract: Graph, the authority's keys and its own identity are all it holds. */
function sweeperRole(context: RoleContext): object {
  const { settings, authorityKeys, clock, log } = context;
  const signer = sweepSigner(keyOf(context, 'sweeper'));
  const { applications, protected_object_ids: protectedIds } = settings;
  const sweeper = sectionOf(settings, 'sweeper');
  return sweeperTasks({
    ...sweepDeps({ sweeper, applications, protectedIds, authorityKeys, clock, log, signer }),
    signer,
  });
}

/** What the roles that follow a kill up judge orders by. */
const followUpDeps = (context: RoleContext, role: Role, job: GraphJob): FollowUpDeps => ({
  ...graphDeps(context, role, job),
  inForce: knownTo(context),
  roleKeys: context.trust.keyOf,
});

/** Besides what is configured: Reseal's own applications, whose secrets no policy may rotate. */
function protectedFromRotation({ settings }: RoleContext): ReadonlySet<string> {
  const own = Object.values(settings.applications).filter((id) => id !== undefined);
  return new Set([...settings.protected_object_ids, ...own]);
}

/** The authority's key of a keyid; keys of other roles never count as the authority's. */
export function authorityKeyOf(context: RoleContext) {
  return (keyid: string) => {
    const known = context.trust.keyOf(keyid);
    return known?.role === 'authority' ? known.publicKey : undefined;
  };
}
