import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compiledPath } from '../../../workers/compiled.js';
import { median, rounded, type Measured } from './measured.js';

const RUNS = 15;
const RESEAL = fileURLToPath(new URL('../bin/reseal.js', `file://${compiledPath('')}`));

/** How long the command line takes to say what it can do, against Node itself doing nothing. */
export function cli(): Promise<Measured> {
  const help: number[] = [];
  const nothing: number[] = [];
  for (let run = 0; run <= RUNS; run += 1) {
    const [helped, idled] = [timeOf([RESEAL, '--help']), timeOf(['-e', '0'])];
    // The first of each reads its files from the disk.
    if (run === 0) continue;
    help.push(helped);
    nothing.push(idled);
  }
  const [helped, idled] = [median(help), median(nothing)];
  return Promise.resolve({
    name: 'cli',
    what: 'reseal --help',
    value: `${rounded(helped, 0)} ms`,
    baseline: `node -e 0: ${rounded(idled, 0)} ms`,
    figure: rounded(helped / idled),
    figure_is: 'ratio',
    required: '<= 3',
    aim: '3',
    notes: [`medians of ${RUNS} each in turns`],
    details: { help_ms: help.map((ms) => rounded(ms, 1)), node_ms: nothing.map((ms) => rounded(ms, 1)) },
  });
}

function timeOf(args: string[]): number {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return performance.now() - began;
}
