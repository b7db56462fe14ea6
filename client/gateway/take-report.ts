import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { z } from 'zod';
import { incidentReportSchema } from '../../domain/incidents/incident.js';
import { reportIdSchema } from '../../domain/incidents/incident-id.js';
import type { ReportedIncident } from '../api/incident-api.js';
import { ResealError } from '../api/reseal-error.js';
import { callerOf, parsed, type ReadBody, type Runbook } from './runbook.js';
import { mayReport, mayReportAnything, type Bearer } from './runbook-tokens.js';

/**
 * Takes a report within the scope and the rate of its token. Nothing is contained for one that is refused here.
 *
 * @throws {ResealError} `token_missing`, `token_unknown`, `token_scope`, `malformed`, `busy`, and what the api throws.
 */
export async function takeReport(c: Context, runbook: Runbook, readBody: ReadBody): Promise<ReportedIncident> {
  const bearer = await callerOf(c, runbook);
  const said = parsed(reportedSchema, await readBody(c), 'report');
  const { report_id = randomBytes(8).toString('hex'), host = hostOf(runbook, bearer), ...rest } = said;
  const report = parsed(incidentReportSchema, { ...rest, report_id, host, reporter: bearer.name }, 'report');
  mayReport(bearer, report);
  runbook.rate.count(bearer);
  return runbook.api.report(report);
}

const { report_id: _id, reporter: _reporter, host, ...members } = incidentReportSchema.shape;
const reportedSchema = z.strictObject({ ...members, host: host.optional(), report_id: reportIdSchema.optional() });

function hostOf({ defaultHost }: Runbook, bearer: Bearer): string {
  const { name, report } = mayReportAnything(bearer);
  const [only, ...others] = report.targets ?? [];
  if (only !== undefined && others.length === 0) return only;
  if (defaultHost !== undefined) return defaultHost;
  throw new ResealError('malformed', `the token ${name} may report of several hosts: say which`, { field: 'host' });
}
