import { loadavg } from 'node:os';
import { admission } from './admission.js';
import { cli } from './cli.js';
import { evidence } from './evidence.js';
import { grant } from './grant.js';
import { history } from './history.js';
import { incidents } from './incidents.js';
import { kill } from './kill.js';
import { list } from './list.js';
import type { Measure, Measured } from './measured.js';
import { policy } from './policy.js';
import { quote } from './quote.js';
import { revert } from './revert.js';
import { table } from './table.js';
import { throughput } from './throughput.js';

/** Measures and tells; whether a number is good enough is for its reader to say. Names on the command line choose. */
const MEASURES: readonly Measure[] = [
  { name: 'throughput', run: throughput },
  { name: 'history', run: history },
  { name: 'kill', run: kill },
  { name: 'grant', run: grant },
  { name: 'revert', run: revert },
  { name: 'cli', run: cli },
  { name: 'admission', run: admission },
  { name: 'list', run: list },
  { name: 'incidents', run: incidents },
  { name: 'policy', run: policy },
  { name: 'quote', run: quote },
  { name: 'evidence', run: evidence },
];

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !MEASURES.some((measure) => measure.name === name));
  if (unknown.length > 0) {
    const known = MEASURES.map(({ name }) => name).join(', ');
    process.stderr.write(`bench: ${unknown.join(', ')}: the measures are ${known}\n`);
    return 2;
  }
  const chosen = names.length === 0 ? MEASURES : MEASURES.filter(({ name }) => names.includes(name));
  const results: Measured[] = [];
  const began = Date.now();
  for (const { name, run } of chosen) {
    process.stderr.write(`${name} …\n`);
    results.push(await run((text) => void process.stderr.write(`  ${text}\n`)));
  }
  const seconds = Math.round((Date.now() - began) / 1000);
  const load = loadavg().map((average) => Math.round(average * 10) / 10);
  const told = `${table(results)}\nload averages at the end: ${load.join(' ')}; ${seconds} s in all`;
  process.stdout.write(`\n${told}\n\n`);
  process.stdout.write(`${JSON.stringify({ seconds, load, measures: results })}\n`);
  return 0;
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
