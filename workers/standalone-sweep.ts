import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemClock } from '../activities/clock.js';
import { sweepOnce } from '../activities/sweep/sweep.js';
import type { DsseEnvelope } from '../domain/intent.js';
import { sweepEnvelopeSchema, sweepReportSchema, type SweepReport } from '../domain/sweep.js';
import type { RoleKey } from '../proofs/role-key.js';
import { openSweepReport } from '../proofs/sweep-report.js';
import { trustOf } from '../proofs/trust.js';
import { parseJson } from './json-file.js';
import type { Log } from './role-context.js';
import { readRoleKey } from './role-keys.js';
import { SettingsError } from './settings-error.js';
import { sweepDeps, sweepSigner } from './sweep-deps.js';
import { readSweepSettings, type SweepSettings } from './sweep-settings.js';
import { authorityKeysOf, readTrustFile } from './trust-file.js';

/** A sweep's report, and the sweeper's signature on it where the settings name a key. */
export interface Swept {
  report: SweepReport;
  envelope: DsseEnvelope | null;
}

/**
 * One sweep with nothing but Graph, the authority's public keys and this machine: no Temporal, no register. For the day
 * both are down or lie, and for cron. `intents` is read instead of the settings' `intents_path`. Throws SettingsError for settings that cannot work; rejects when `signal` is aborted.
 */
export async function standaloneSweep(
  file: string,
  { mode, signal, log, intents }: { mode: 'sweep' | 'look'; signal: AbortSignal; log: Log; intents?: string },
): Promise<Swept> {
  const settings = await readSweepSettings(file);
  const trust = await readTrustFile(settings.trust_path);
  const key = await keyOf(settings);
  const signer = key === null ? null : sweepSigner(key);
  const { sweeper, applications, protected_object_ids } = settings;
  const authorityKeys = authorityKeysOf(trust);
  if (authorityKeys.length === 0) {
    throw new SettingsError('file_invalid', `${settings.trust_path}: it names no key of the authority's`);
  }
  const protectedIds = protected_object_ids;
  const known = intents === undefined ? sweeper : { ...sweeper, intents_path: intents };
  const deps = sweepDeps({
    sweeper: known,
    applications,
    protectedIds,
    authorityKeys,
    clock: systemClock,
    signer,
    log,
  });
  const report = await sweepOnce(deps, { mode, signal });
  const envelope = signer === null ? null : signer.report(report);
  if (mode === 'sweep' && sweeper.report_path !== undefined) await keep(sweeper.report_path, { report, envelope });
  return { report, envelope };
}

/** The report that the last sweep of these settings left: proven where it is signed. Throws SettingsError where there is none. */
export async function lastStandaloneSweep(file: string): Promise<Swept & { proven: boolean }> {
  const { sweeper, trust_path } = await readSweepSettings(file);
  const { report_path } = sweeper;
  if (report_path === undefined) {
    throw new SettingsError(
      'settings_invalid',
      `${file}: sweeper.report_path: name a file, so that a sweep leaves a report`,
    );
  }
  const text = await readFile(report_path, 'utf8').catch(() => {
    throw new SettingsError('file_missing', `${report_path} cannot be read: has a sweep run yet?`);
  });
  const kept = parsedReport(text, report_path);
  if (kept.envelope === null) return { ...kept, proven: false };
  const opened = openSweepReport(kept.envelope, trustOf(await readTrustFile(trust_path)).keyOf);
  if (!opened.ok) throw new SettingsError('file_invalid', `${report_path}: ${opened.code}: ${opened.message}`);
  return { report: opened.report, envelope: kept.envelope, proven: true };
}

const keptSchema = z.strictObject({ report: sweepReportSchema, envelope: sweepEnvelopeSchema.nullable() });

/** Written beside and put in place whole, so that nobody reads half of it. */
async function keep(file: string, swept: Swept): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, `${JSON.stringify(swept, null, 2)}\n`, { mode: 0o600 });
  await rename(beside, file);
}

function parsedReport(text: string, file: string): Swept {
  const parsed = keptSchema.safeParse(parseJson(text, file, 'file_invalid'));
  if (parsed.success) return parsed.data;
  throw new SettingsError('file_invalid', `${file} is not the report of a sweep of this version`);
}

/** Without a key the report is unsigned, and what was ended is ended all the same. */
const keyOf = ({ sweeper: { signing_key_path: file } }: SweepSettings): Promise<RoleKey | null> =>
  file === undefined ? Promise.resolve(null) : readRoleKey(file, 'sweeper');
