import { nameOf, objectOfEffect } from './effects/effects.js';
import { isEnd, type Approval, type CeremonyState, type Extension, type Phase } from './ceremony-state.js';
import { wantedApprovers } from './approvals.js';
import { wake } from './ceremony-commands.js';
import { extensionApprovers } from './extension.js';
import { ceremonyWorkflowId, epochMs, instant } from './identifiers.js';
import type { KillState } from './kill-state.js';
import type { QuorumKind } from './quorum.js';
import { latestDeadMan } from './outstanding.js';
import type { Refusal } from './refusal.js';

/** Sentinel's status: none before the intent and where nothing was granted, `active` from the intent until the end. */
export type SentinelStatus = 'active' | 'closed' | 'expired';

/** A ceremony as every reader sees it: command line, gateway, register. Times are RFC 3339 UTC or null. */
export interface CeremonyView {
  event_id: string;
  workflow_id: string;
  run_id: string | null;
  profile: string | null;
  reason_code: string | null;
  justification: string | null;
  invoker: string | null;
  invoker_person: string | null;
  principal: string | null;
  principal_id: string | null;
  role: string | null;
  directory_scope_id: string | null;
  tenant_id: string | null;
  duration_seconds: number | null;
  status: SentinelStatus | null;
  state: Phase;
  cause: string | null;
  ended_by: string | null;
  flags: string[];
  approvals: { approver: string; at: string; method: string }[];
  approvals_wanted: number | null;
  /** From when on fewer approvers suffice, how many, and for how long at most. */
  fallback: { opens_at: string; min_approvers: number; max_seconds: number } | null;
  /** By which quorum it was granted. */
  quorum: QuorumKind | null;
  approval_by: string | null;
  requested_at: string;
  activated_at: string | null;
  expires_at: string | null;
  dead_man_at: string | null;
  ended_at: string | null;
  /** The extension that was asked for last, and how far it is; people as user principal names. */
  extension: {
    round: number;
    deadline: string;
    asked_by: string;
    asked_at: string;
    /** Hex SHA-256 of the payload of the invoker's `extend`: approvals name it. */
    digest: string;
    state: Extension['step'];
    approvals: { approver: string; at: string; method: string }[];
    approvals_wanted: number;
    refusal: Refusal | null;
  } | null;
  /** When the ceremony next does something by itself: a window, the deadline, a floor. */
  next_at: string | null;
  rollback: {
    requested_at: string | null;
    accepted_at: string | null;
    observed_at: string | null;
    confirmed_at: string | null;
    audited_at: string | null;
  };
  sessions_ended_at: string | null;
  mark: CeremonyState['mark'];
  ticket: string | null;
  findings: { code: string; detail: string; at: string }[];
  refusal: Refusal | null;
  refused_statements: number;
  /** What a kill called for besides the reseal; absent where it called for nothing. */
  kill?: KillState | undefined;
  /** The register's own word, which no workflow has. Owed since the end of what was granted without a full quorum. */
  review: {
    owed_since: string | null;
    overdue_at: string | null;
    reviewed_at: string | null;
    reviewed_by: string | null;
  } | null;
  policy_digest: string | null;
  request_digest: string | null;
  ui_url: string | null;
}

export function sentinelStatus(state: CeremonyState): SentinelStatus | null {
  if (state.signed === null) return null;
  switch (state.phase) {
    case 'closed':
    case 'revoked':
      return 'closed';
    case 'expired':
      return 'expired';
    case 'not_granted':
      return null;
    default:
      return isEnd(state.phase) ? null : 'active';
  }
}

function approvalsWanted({ opened, admission }: CeremonyState): number | null {
  return opened === null ? null : wantedApprovers(opened.terms.approvals) + (admission?.extra_approvers ?? 0);
}

function fallbackOf({ opened, admission }: CeremonyState): CeremonyView['fallback'] {
  const fallback = opened?.terms.approvals.fallback;
  if (fallback === undefined || admission === null) return null;
  const opens_at = instant(epochMs(admission.at) + fallback.after * 1000);
  const min_approvers = fallback.min_approvers + admission.extra_approvers;
  return { opens_at, min_approvers, max_seconds: fallback.max };
}

const approvalView = ({ person, at, method }: Approval) => ({ approver: person.aliases[0] ?? person.id, at, method });

function extensionOf({ extension, opened, admission }: CeremonyState): CeremonyView['extension'] {
  if (extension === null || opened === null) return null;
  const { round, deadline, by, at, digest, step, refusal } = extension;
  const approvals = extension.approvals.map(approvalView);
  const approvals_wanted = extensionApprovers(opened.terms, admission);
  // Nobody but the invoker may ask for one.
  const asked_by = by === opened.request.invoker.person ? opened.request.invoker.upn : by;
  return { round, deadline, asked_by, asked_at: at, digest, state: step, approvals, approvals_wanted, refusal };
}

/** The reader's view of a state. `run_id` and `ui_url` are filled in by whoever knows them. */
export function viewOf(state: CeremonyState): CeremonyView {
  const request = state.opened?.request ?? null;
  const { reseal } = state;
  const next = wake(state);
  return {
    event_id: state.event_id,
    workflow_id: ceremonyWorkflowId(state.event_id),
    run_id: null,
    profile: request?.profile ?? null,
    reason_code: request?.reason_code ?? null,
    justification: request?.justification ?? null,
    invoker: request?.invoker.upn ?? null,
    invoker_person: request?.invoker.person ?? null,
    principal: request?.principal.upn ?? null,
    principal_id: request?.principal.object_id ?? null,
    role: request === null ? null : nameOf(request.effect),
    directory_scope_id: request === null ? null : objectOfEffect(request.effect).scope,
    tenant_id: request?.effect.tenant_id ?? null,
    duration_seconds: request?.duration_seconds ?? null,
    status: sentinelStatus(state),
    state: state.phase,
    cause: state.ending?.cause ?? null,
    ended_by: state.ending?.by ?? null,
    flags: [...state.flags],
    approvals: state.approvals.map(approvalView),
    approvals_wanted: approvalsWanted(state),
    fallback: fallbackOf(state),
    quorum: (state.prior[0] ?? state.signed)?.intent.quorum ?? null,
    approval_by: state.approval_by,
    requested_at: state.started_at,
    activated_at: state.activated_at,
    expires_at: state.signed?.intent.deadline ?? null,
    dead_man_at: latestDeadMan(state),
    ended_at: state.ended_at,
    extension: extensionOf(state),
    next_at: next === undefined ? null : instant(next),
    rollback: {
      requested_at: reseal?.requested_at ?? null,
      accepted_at: reseal?.accepted_at ?? null,
      observed_at: reseal?.observed_at ?? null,
      confirmed_at: reseal?.confirmed_at ?? null,
      audited_at: state.audited_at,
    },
    sessions_ended_at: reseal?.sessions_ended_at ?? null,
    mark: state.mark,
    ticket: request?.ticket ?? null,
    findings: state.findings.map((finding) => ({ ...finding })),
    refusal: state.refusal,
    refused_statements: state.refusals,
    ...(state.kill === undefined ? {} : { kill: state.kill }),
    review: null,
    policy_digest: state.opened?.policy_digest ?? null,
    request_digest: state.opened?.request_digest ?? null,
    ui_url: null,
  };
}
