import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { EntryPayload } from '../../../domain/entry.js';
import type { Survey, SurveyOutcome } from '../../../domain/outcomes.js';
import type { DirectoryRoleEffect } from '../../../domain/effects/directory-role.js';
import { nameOf, targetOf, toolsOfKind } from '../../../domain/effects/effects.js';
import { groupMembership, type GroupTuple } from '../../../domain/effects/group-membership.js';
import type { Tuple } from '../../../domain/intent.js';
import type { Request } from '../../../domain/request.js';
import type { Snapshot } from '../../../domain/snapshot.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { Attempt } from '../attempt.js';
import { openSession, type GraphDeps } from '../effect-deps.js';
import { callsTold } from '../wire/graph-call.js';
import { toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { isMember, objectionToGroup, type GroupRefusal } from './group-target.js';
import { readHoldings, type Holding, type Holdings } from './holdings.js';
import { meaningOf } from './pim-status.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { quoted, ROLE_DEFINITIONS, scheduleSchema } from './pim-wire.js';
import { readFailed } from '../reading.js';
import { readPimRules, type RoleRules } from './role-rules.js';
import { isComplete, takeSnapshot, toldSnapshot } from '../tenant/tenant-snapshot.js';
import { creatorOf, markOn, scheduleOf } from './tuple-history.js';

/** Why a target cannot be granted what was asked. */
export type SurveyRefusal =
  | 'principal_protected'
  | 'principal_not_found'
  | 'principal_disabled'
  | 'principal_upn_differs'
  | GroupRefusal
  | 'role_not_found'
  | 'role_name_differs'
  | 'role_not_addressable'
  | 'policy_forbids_duration'
  | 'foreign_assignment'
  | 'too_many_assignments';

/** A principal that was just created may not have reached the replica that answers. */
const MISSING_READS = 4;
const AGAIN_MS = 5_000;
/** A policy's grace is 5 minutes at least, and the assignment lasts as long as timebox and grace together. */
const LEAST_GRACE_SECONDS = 300;
const MAX_HOLDINGS = 5000;
/** Attempts of a survey before a part of the tenant that cannot be read stays unread. */
const SNAPSHOT_ATTEMPTS = 4;

const progressSchema = z.object({
  missing_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
type Progress = z.output<typeof progressSchema>;

const userSchema = z.object({
  id: z.string().toLowerCase(),
  userPrincipalName: z.string().nullish(),
  accountEnabled: z.boolean().nullish(),
});
const roleSchema = z.object({
  id: z.string().toLowerCase(),
  templateId: z.string().toLowerCase().nullish(),
  displayName: z.string().nullish(),
});

type Input = Parameters<VerifierTasks['survey']>[0];
type Refused = { code: SurveyRefusal; message: string };

/** Reads the target before anybody approves: it exists, is what the request says it is, and nothing stands there yet. */
export function surveyTarget(deps: GraphDeps): VerifierTasks['survey'] {
  return (input) =>
    Attempt.run(progressSchema, { missing_reads: 0, client_request_ids: [] }, (attempt) =>
      new SurveyRound(deps, input, attempt).run(),
    );
}

const isOver = (status: string | null | undefined): boolean => ['failed', 'revoked'].includes(meaningOf(status));

const without = (own: ReadonlySet<string>, held: readonly Holding[]): Holding[] =>
  held.filter(({ kind, schedule_id }) => kind !== 'pim' || !own.has(schedule_id));

class SurveyRound {
  private readonly graph: GraphSession;
  private readonly request: Request;

  constructor(
    private readonly deps: GraphDeps,
    private readonly input: Input,
    private readonly attempt: Attempt<Progress>,
  ) {
    this.request = input.request;
    this.graph = openSession(deps, this.request.effect.tenant_id, attempt);
  }

  async run(): Promise<SurveyOutcome> {
    const { effect, principal } = this.request;
    const { tuple: asked } = targetOf(effect, principal.object_id);
    const tuple = pimTuple(asked);
    const pim = pimFamily(asked);
    const wrong = (await this.checkPrincipal()) ?? (await this.checkTarget());
    if (wrong !== undefined) return this.refuse(wrong);
    const rules = this.value(await readPimRules(this.graph, asked));
    const forbidden = this.checkRules(rules);
    if (forbidden !== undefined) return this.refuse(forbidden);
    const found = this.value(await readHoldings(this.graph, asked));
    const $filter = pim.ofTuple(tuple);
    const schedules = this.value(await this.graph.readAll(pim.schedules, scheduleSchema, { $filter }));
    const onTuple = [...found.holders, ...found.principal].filter(
      (held) =>
        held.kind !== 'eligible' &&
        held.principal_id === tuple.principal_id &&
        held.role_template_id === tuple.role_template_id &&
        held.directory_scope_id === tuple.directory_scope_id,
    );
    const current = schedules.filter(({ status }) => !isOver(status));
    const nothing = onTuple.length + current.length === 0;
    const own = nothing ? new Set<string>() : await this.ownSchedules(asked);
    const isForeign =
      onTuple.some(({ schedule_id }) => !own.has(schedule_id)) || current.some(({ id }) => !own.has(id));
    const holdings = { holders: without(own, found.holders), principal: without(own, found.principal) };
    if (isForeign) return this.refuse(this.foreign());
    return this.surveyed(holdings, rules, await this.wholeTenant());
  }

  /**
   * What an earlier run of this very event was granted: such a run may have been reset away. It is not foreign, and no
   * part of the baseline either.
   */
  private async ownSchedules(tuple: Tuple): Promise<Set<string>> {
    const pim = pimFamily(tuple);
    const query = { $filter: pim.ofTuple(pimTuple(tuple)) };
    const requests = this.value(await this.graph.readAll(pim.requests, pim.requestSchema, query));
    const writers = this.deps.writerIds(tuple.tenant_id);
    const own = requests.filter((request) => {
      const marked = markOn(request, tuple, this.deps.authorityKeys);
      return writers.has(creatorOf(request) ?? '') && marked?.event_id === this.request.event_id;
    });
    return new Set(own.map(scheduleOf));
  }

  private async checkPrincipal(): Promise<Refused | undefined> {
    const { object_id, upn } = this.request.principal;
    if (this.deps.protectedIds.has(object_id))
      return { code: 'principal_protected', message: `${upn} is protected: no ceremony may touch it` };
    const query = { $select: 'id,userPrincipalName,accountEnabled' };
    const answer = await this.graph.read(`/users/${encodeURIComponent(object_id)}`, userSchema, query);
    if (!answer.ok && answer.failure.kind === 'not_found') {
      this.missing(answer.failure);
      return { code: 'principal_not_found', message: `the directory has no user ${object_id}` };
    }
    const user = this.value(answer);
    if (user.userPrincipalName?.toLowerCase() !== upn.toLowerCase())
      return { code: 'principal_upn_differs', message: `user ${object_id} is not ${upn}` };
    if (user.accountEnabled === false) return { code: 'principal_disabled', message: `${upn} is disabled` };
    return undefined;
  }

  private checkTarget(): Promise<Refused | undefined> {
    const { effect, principal } = this.request;
    switch (effect.kind) {
      case 'entra.directory_role':
        return this.checkRole(effect);
      case 'entra.group_membership':
        return this.checkGroup(groupMembership.tupleOf(effect, principal.object_id), effect.group_name);
      default:
        throw new TypeError(`${effect.kind} is not PIM's`);
    }
  }

  private async checkGroup(tuple: GroupTuple, name: string): Promise<Refused | undefined> {
    const objection = this.value(await objectionToGroup(this.graph, tuple, name));
    if (objection !== undefined) return objection;
    // Of a member that PIM did not make its instances need not tell.
    const already = this.value(await isMember(this.graph, tuple)) && (await this.ownSchedules(tuple)).size === 0;
    return already ? this.foreign() : undefined;
  }

  private foreign(): Refused {
    const { effect, principal } = this.request;
    const message = `${principal.upn} has ${nameOf(effect)} already, or is about to: it would be taken away with ours`;
    return { code: 'foreign_assignment', message };
  }

  private async checkRole({ role_template_id, role_name }: DirectoryRoleEffect): Promise<Refused | undefined> {
    const $filter = `templateId eq ${quoted(role_template_id)}`;
    const [role] = this.value(await this.graph.readAll(ROLE_DEFINITIONS, roleSchema, { $filter }));
    if (role === undefined)
      return { code: 'role_not_found', message: `the directory has no role with template ${role_template_id}` };
    if (role.displayName !== role_name)
      return { code: 'role_name_differs', message: `role ${role_template_id} is not called ${role_name}` };
    // Assignments come back under the directory's own id: only where both are equal can they be told apart.
    if (role.id !== role_template_id)
      return { code: 'role_not_addressable', message: `role ${role_name} has another id than its template` };
    return undefined;
  }

  private checkRules(rules: RoleRules | null): Refused | undefined {
    const most = rules?.max_active_seconds ?? null;
    const least = this.request.duration_seconds + LEAST_GRACE_SECONDS;
    if (most === null || least <= most) return undefined;
    return {
      code: 'policy_forbids_duration',
      message: `its PIM policy allows ${most} s, timebox and grace take ${least} s or more`,
    };
  }

  /** For a tier-0 role. What cannot be read after some tries is told so: people may need the role all the same. */
  private async wholeTenant(): Promise<Snapshot | undefined> {
    if (this.input.tier0 !== true) return undefined;
    const snapshot = await takeSnapshot(this.graph);
    if (isComplete(snapshot) || this.attempt.number >= SNAPSHOT_ATTEMPTS) return snapshot;
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    throw waitFor('snapshot_incomplete', 'a part of the tenant could not be read', AGAIN_MS);
  }

  private surveyed({ holders, principal }: Holdings, rules: RoleRules | null, tenant?: Snapshot): SurveyOutcome {
    const keys = (held: Holdings['holders']): string[] => [...new Set(held.map(({ key }) => key))].sort();
    const survey: Survey = {
      holders: keys(holders),
      principal_assignments: keys(principal),
      ...(tenant === undefined ? {} : { tenant }),
    };
    if (Math.max(survey.holders.length, survey.principal_assignments.length) > MAX_HOLDINGS)
      return this.refuse({
        code: 'too_many_assignments',
        message: `more than ${MAX_HOLDINGS} assignments to compare with`,
      });
    const counts = {
      holders: survey.holders.length,
      principal_assignments: survey.principal_assignments.length,
    };
    const told = tenant === undefined ? {} : { tenant: toldSnapshot(tenant) };
    const data = { outcome: 'surveyed', survey_digest: digestOf(survey), ...counts, rules, ...told };
    return { outcome: 'surveyed', survey, receipt: this.receipt(data) };
  }

  private refuse(refused: Refused): SurveyOutcome {
    return { outcome: 'refused', ...refused, receipt: this.receipt({ outcome: 'refused', ...refused }) };
  }

  private receipt(data: Record<string, unknown>) {
    const { request, request_digest } = this.input;
    const { kind: _, end_sessions: __, ...target } = request.effect;
    const { number: attempt } = this.attempt;
    const calls = {
      tool: toolsOfKind(request.effect.kind).read,
      attempt,
      client_request_ids: this.clientRequestIds(),
      ...callsTold(),
    };
    const payload: EntryPayload = {
      schema: 'reseal.entry.v1',
      event_id: request.event_id,
      transition: 'surveyed',
      type: 'surveyed',
      at: instant(this.deps.clock.now()),
      data: { request_digest, principal_id: request.principal.object_id, target, ...data, ...calls },
    };
    return this.deps.sign(payload);
  }

  private value<T>(answer: GraphAnswer<T>): T {
    if (answer.ok) return answer.value;
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    throw readFailed(answer.failure, this.attempt);
  }

  /** Throws until the principal has been missing often enough to be called so. */
  private missing(failure: GraphFailure): void {
    const missing_reads = this.attempt.details.missing_reads + 1;
    if (missing_reads >= MISSING_READS) return;
    this.attempt.keep({ missing_reads, client_request_ids: this.clientRequestIds() });
    throw toApplicationFailure(failure, AGAIN_MS);
  }

  private clientRequestIds(): string[] {
    return [...this.attempt.details.client_request_ids, ...this.graph.clientRequestIds].slice(-64);
  }
}
