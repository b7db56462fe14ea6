import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { run } from '../../client/cli/run.js';
import type { SweepFinding, SweepReport } from '../../domain/sweep.js';
import { openSweepReport } from '../../proofs/sweep-report.js';
import { parseTrust } from '../../proofs/trust.js';
import type { CeremonyStack } from './ceremony-stack.js';

/** What a sweep told: its exit status, and its report as the sweeper signed it. */
export interface ToldSweep {
  status: number;
  standing: string;
  report: SweepReport;
}

/** One `reseal` command line, in a folder, without a terminal. */
export async function commandLine(
  argv: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const status = await run(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    stdin: new PassThrough(),
    env,
    cwd,
    isTTY: false,
  });
  return { status, out, err };
}

/** `reseal sweep … -o json`, with the sweeper's signature checked once more. */
export async function sweep(cwd: string, trustPath: string, ...argv: string[]): Promise<ToldSweep> {
  const { status, out, err } = await commandLine(['sweep', ...argv, '-o', 'json'], { cwd });
  const told =
    out === '' ? undefined : (JSON.parse(out) as { standing: string; report: SweepReport; envelope: unknown });
  if (told === undefined) throw new Error(`reseal sweep ${argv.join(' ')}: ${status}: ${err}`);
  const trust = parseTrust(await readFile(trustPath));
  if (!trust.ok) throw new Error(trust.message);
  const opened = openSweepReport(told.envelope, trust.trust.keyOf);
  if (!opened.ok) throw new Error(opened.message);
  return { status, standing: told.standing, report: opened.report };
}

/** The same on a running stack, through Temporal. */
export const sweepStack = ({ stack }: CeremonyStack, ...argv: string[]): Promise<ToldSweep> =>
  sweep(stack.layout.root, stack.layout.trust, ...(argv.length === 0 ? ['run'] : argv));

/** What a report says of one tenant. */
export const foundIn = ({ report }: ToldSweep, tenant: string): SweepFinding[] =>
  report.found.filter(({ tenant_id }) => tenant_id === tenant);
