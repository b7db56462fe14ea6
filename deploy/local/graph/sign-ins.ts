import type { Answer } from './answer.js';
import { refuse } from './answer.js';
import type { GraphCall } from './call.js';
import { graphTime } from './clock.js';
import { parseFilter, type FilterSpec } from './odata-filter.js';
import { page, readQuery } from './odata-query.js';
import { demand } from './permissions.js';

/** One sign-in, as the log has it; times are epoch milliseconds of tenant time. */
export interface SignIn {
  readonly id: string;
  readonly at: number;
  readonly userId: string;
  readonly userPrincipalName: string;
  readonly appId: string;
  readonly appDisplayName: string;
  readonly ipAddress: string;
  readonly conditionalAccessStatus: 'success' | 'failure' | 'notApplied';
  readonly errorCode: number;
  /** Which policies were looked at, and what came of each. */
  readonly policies: readonly { readonly id: string; readonly result: string }[];
}

const SET = 'auditLogs/signIns';

const FILTERS: FilterSpec<SignIn> = {
  id: { ops: ['eq'], get: (s) => s.id },
  createdDateTime: { ops: ['eq', 'ge', 'le'], get: (s) => s.at },
  userId: { ops: ['eq'], get: (s) => s.userId },
  userPrincipalName: { ops: ['eq', 'startswith'], get: (s) => s.userPrincipalName },
  appId: { ops: ['eq'], get: (s) => s.appId },
  ipAddress: { ops: ['eq', 'startswith'], get: (s) => s.ipAddress },
};

/** GET signIns: the newest first, minutes late as the audit log is, 1,000 a page unless $top says less. */
export function listSignIns(call: GraphCall): Answer {
  demand(call.caller, 'signInRead');
  if (!call.tenant.premiumLicense)
    throw refuse('AadPremiumLicenseRequired', 'Tenant does not have a premium license to read sign-in logs.');
  const options = readQuery(call.query, ['$filter', '$top', '$orderby', '$skiptoken']);
  const filter = parseFilter(options.filter, FILTERS, 'signIn');
  const order = /^createdDateTime(?: (asc|desc))?$/.exec(options.orderby ?? 'createdDateTime desc');
  if (order === null) throw refuse('BadRequest', `Ordering by '${options.orderby ?? ''}' is not supported.`);
  const sign = order[1] === 'desc' ? -1 : 1;
  const rows = call.tenant.signIns
    .filter((row) => row.at + call.tenant.auditLatencyMs <= call.now && filter.matches(row))
    .toSorted((a, b) => sign * (a.at - b.at));
  const asked = call.query.has('$top') ? options : { ...options, top: 1000 };
  return page(SET, call.query, asked, rows, wireSignIn);
}

/** signIn, the members that are read. */
function wireSignIn(row: SignIn): Record<string, unknown> {
  return {
    id: row.id,
    createdDateTime: graphTime(row.at),
    userId: row.userId,
    userPrincipalName: row.userPrincipalName,
    userDisplayName: null,
    appId: row.appId,
    appDisplayName: row.appDisplayName,
    ipAddress: row.ipAddress,
    clientAppUsed: 'Browser',
    isInteractive: true,
    correlationId: row.id,
    conditionalAccessStatus: row.conditionalAccessStatus,
    status: {
      errorCode: row.errorCode,
      failureReason: row.errorCode === 0 ? 'Other.' : 'Refused.',
      additionalDetails: null,
    },
    appliedConditionalAccessPolicies: row.policies.map(({ id, result }) => ({
      id,
      displayName: null,
      enforcedGrantControls: [],
      enforcedSessionControls: [],
      result,
    })),
  };
}
