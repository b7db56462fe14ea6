import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { eventReader } from '../../../activities/register/events.js';
import { readTrustRoots } from '../../../client/config/trust-roots.js';
import { ceremonyWorkflowId } from '../../../domain/identifiers.js';
import { verifyBundle } from '../../../proofs/bundle-verify.js';
import { BenchStack } from './bench-stack.js';
import { letTimePass } from './let-time-pass.js';
import { median, rounded, timeOf, type Measured } from './measured.js';

const WARM_UP = 20;
const SAMPLES = 100;

/** Verifying the bundle of a whole ceremony from its file, against reading the same file and hashing it. */
export async function evidence(progress: (text: string) => void): Promise<Measured> {
  const world = await BenchStack.start({ profiles: 1 });
  try {
    progress('one whole ceremony');
    const { file, trust } = await wholeCeremony(world);
    const report = verifyBundle(await readFile(file), trust);
    if (!report.ok) throw new Error(`the bundle does not verify: ${JSON.stringify(report.errors)}`);
    const verified: number[] = [];
    const hashed: number[] = [];
    for (let index = 0; index < WARM_UP + SAMPLES; index += 1) {
      const verifying = await timeOf(async () => verifyBundle(await readFile(file), trust));
      const hashing = await timeOf(async () =>
        createHash('sha256')
          .update(await readFile(file))
          .digest(),
      );
      if (index < WARM_UP) continue;
      verified.push(verifying);
      hashed.push(hashing);
    }
    return told((await readFile(file)).length, report.facts.ledger_count, verified, hashed);
  } finally {
    await world.stop();
  }
}

async function wholeCeremony(world: BenchStack) {
  const { client, database, layout } = world.stack;
  const asked = await world.activate();
  await letTimePass(client, ceremonyWorkflowId(asked.event));
  await world.until(asked, ({ ended_at }) => ended_at !== null);
  const reader = eventReader(database);
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    const found = await reader.bundleOf(asked.event);
    if (found !== undefined) {
      const file = path.join(layout.root, 'measured-bundle.json');
      await writeFile(file, found.bundle);
      return { file, trust: await readTrustRoots(layout.trust) };
    }
    if (Date.now() > giveUpAt) throw new Error('no bundle within 30 s');
  }
}

function told(bytes: number, entries: number, verified: number[], hashed: number[]): Measured {
  const [verifying, hashing] = [median(verified), median(hashed)];
  return {
    name: 'evidence',
    what: 'a bundle read and verified',
    value: `${rounded(verifying, 1)} ms`,
    baseline: `the same file read and hashed: ${rounded(hashing, 3)} ms`,
    figure: rounded(verifying / hashing, 1),
    figure_is: 'ratio',
    required: '-',
    aim: '-',
    notes: [`medians of ${SAMPLES} each in turns; ${bytes} bytes, ${entries} entries, contract and rosters among them`],
    details: { bytes, entries, verified_ms: rounded(verifying, 3), hashed_ms: rounded(hashing, 4) },
  };
}
