import { z } from 'zod';

/** `INC-YYYYMMDD-HHMMSS-NNNN`, in UTC; NNNN tells apart what was opened within one second. The register allocates it. */
export const incidentIdSchema = z
  .string()
  .regex(/^INC-[0-9]{8}-[0-9]{6}-[0-9]{4}$/, 'expected INC-YYYYMMDD-HHMMSS-NNNN');

/** The id of the `number`th incident (from 1) opened within the second of `nowMs` (epoch ms). Throws RangeError past 9999. */
export function incidentIdOf(nowMs: number, number: number): string {
  if (number < 1 || number > 9999) throw new RangeError(`expected 1 to 9999 incidents a second, not ${number}`);
  return `INC-${secondOf(nowMs)}-${String(number).padStart(4, '0')}`;
}

/** `YYYYMMDD-HHMMSS` of an epoch time in ms, UTC. */
export function secondOf(nowMs: number): string {
  const [date = '', time = ''] = new Date(nowMs).toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`;
}

/** One incident, one workflow; one report, one short workflow, so that the same report sent twice is told once. */
export const incidentWorkflowId = (incidentId: string): string => `incident/${incidentId}`;
export const incidentReportWorkflowId = (reportId: string): string => `incident-report/${reportId}`;

/** 16 lower-case hex characters from a secure source, minted by whoever carries the report. */
export const reportIdSchema = z.string().regex(/^[0-9a-f]{16}$/, 'expected 16 lower-case hex characters');

/** A host, by its name in the configuration. */
export const hostNameSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/, 'expected 1 to 63 of a-z 0-9 . _ -, a letter or digit at both ends');
