import { createHash } from 'node:crypto';

import { ApplicationFailure } from '@temporalio/common';

import type { Notice } from '../../domain/notice-facts.js';
import type { SweepFinding, SweepPager } from '../../domain/sweep.js';
import { openSweepReport } from '../../proofs/sweep-report.js';
import type { RegisterHoldings } from './holdings.js';
import { keepNotices } from './notices.js';

/** Under this name the bound on what is told of one person within an hour holds for the sweep too. */
const SWEEP = 'sweep';

/**
 * Tells of what a sweep calls a compromise, on every channel of the policy in force: once a day each, for as long as it is
 * found. The arguments are anybody's: only the sweeper's signature makes a report, and an old one is told on its own day, once.
 *
 * Throws the non-retryable failure `sweep_report_refused`.
 */
export function paging(holdings: RegisterHoldings): SweepPager['page'] {
  return async (input) => {
    const { envelope } = (input ?? {}) as { envelope?: unknown };
    const opened = openSweepReport(envelope, holdings.roleKeys);
    if (!opened.ok) throw ApplicationFailure.nonRetryable(opened.message, 'sweep_report_refused');
    const { found, finished_at } = opened.report;
    const compromised = found.filter(({ verdict }) => verdict === 'compromise');
    const tells = await holdings.database.transaction(async (tx) => {
      const told = [];
      for (const finding of compromised) {
        const id = idOf(finding);
        const about = { ...NOBODYS, event_id: id, directory_scope_id: finding.directory_scope_id };
        told.push(await keepNotices(tx, holdings, id, [noticeOf(finding, finished_at)], { person: SWEEP, about }));
      }
      return told;
    });
    for (const tell of tells) tell(holdings.log);
    return { told: compromised.length };
  };
}

const NOBODYS = {
  profile: null,
  role: null,
  invoker: null,
  principal: null,
  reason_code: null,
  justification: null,
  ticket: null,
  request_digest: null,
};

/** It belongs to no event: the same 16 hex characters for the same assignment, so that it is told as one. */
const idOf = ({ tenant_id, schedule_id }: SweepFinding): string =>
  createHash('sha256').update(`${tenant_id}/${schedule_id}`).digest('hex').slice(0, 16);

function noticeOf(finding: SweepFinding, at: string): Notice {
  const { why, tenant_id, principal_id, role_template_id, schedule_id, request_id } = finding;
  const facts = { code: why, tenant_id, principal_id, role_template_id, schedule_id, request_id, found_at: at };
  return { type: 'compromise', transition: `compromise/${at.slice(0, 10)}`, at, facts };
}
