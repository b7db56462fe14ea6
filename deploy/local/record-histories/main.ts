import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startStack } from '../stack/start-stack.js';
import { Recording } from './recording.js';
import { IncidentRecording } from './incident-recording.js';
import { INCIDENT_RECORDINGS } from './incident-recordings.js';
import { BESIDES, RECORDINGS, type Script } from './recordings.js';
import { CROWD, crowdPolicy } from '../stack/crowd.js';

/**
 * `node dist/deploy/local/record-histories/main.js OUT_DIR [NAME...]`: acts ceremonies and incidents out on a local stack of its own,
 * in real time, and writes their histories with the keyring that decrypts them. Without names, all of them, in about
 * eleven minutes; what OUT_DIR held is replaced. With names only those, which then have a keyring of their own: give
 * another folder.
 */
async function main([outDir, ...names]: string[]): Promise<number> {
  const isWanted = ([name]: [string, unknown]): boolean => names.length === 0 || names.includes(name);
  const wanted = Object.entries(RECORDINGS).filter(isWanted);
  const incidents = Object.entries(INCIDENT_RECORDINGS).filter(isWanted);
  if (outDir === undefined || wanted.length + incidents.length === 0) {
    process.stderr.write(
      `usage: main.js OUT_DIR [NAME...]\nnames: ${Object.keys({ ...RECORDINGS, ...INCIDENT_RECORDINGS }).join(', ')}\n`,
    );
    return 2;
  }
  const dir = await mkdtemp(path.join(os.tmpdir(), 'reseal-record-'));
  const stack = await startStack({
    dir,
    ephemeral: true,
    ports: { gateway: 0, temporal: 0, ui: 0, graph: 0, inbox: 0 },
    people: CROWD,
    // The shortest times that a policy allows: recordings are made in real time.
    policyYaml: crowdPolicy({
      profiles: Math.max(1, wanted.length),
      timebox: { default: '10m', max: '20m' },
      approvalWindow: '60s',
      grace: '5m',
      besides: new Map(
        wanted.flatMap(([name], index) => (BESIDES[name] === undefined ? [] : [[index, BESIDES[name]]])),
      ),
    }),
    reconcileSeconds: 1,
    attestSeconds: 86_400,
    ...(incidents.length === 0 ? {} : { host: { ports: 'free' as const } }),
    log: () => undefined,
  });
  try {
    const draft = await mkdtemp(path.join(os.tmpdir(), 'reseal-histories-'));
    const began = Date.now();
    const record = async (name: string, act: () => Promise<string[]>): Promise<boolean> => {
      try {
        const histories = await act();
        for (const [run, history] of histories.entries()) {
          const file = histories.length === 1 ? `${name}.json` : `${name}-${run + 1}.json`;
          await writeFile(path.join(draft, file), `${history}\n`);
        }
        process.stderr.write(`${((Date.now() - began) / 1000).toFixed(0)} s: ${name}, ${histories.length} run(s)\n`);
        return true;
      } catch (error) {
        process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
        return false;
      }
    };
    const inTurn = async (): Promise<boolean> => {
      if (incidents.length > 0) await new IncidentRecording(stack, dir).enrol();
      for (const [name, script] of incidents)
        if (!(await record(name, () => script(new IncidentRecording(stack, dir))))) return false;
      return true;
    };
    const together = wanted.map(([name, script]: [string, Script], index) =>
      record(name, () => script(new Recording(stack, index))),
    );
    const done = await Promise.race([Promise.all([...together, inTurn()]), giveUp()]);
    if (!done.every(Boolean)) return 1;
    await copyFile(stack.layout.keyring, path.join(draft, 'keyring.json'));
    await putInPlace(draft, outDir);
    return 0;
  } finally {
    await stack.stop();
  }
}

const MOST_MS = 16 * 60_000;
const giveUp = (): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error('gave up')), MOST_MS).unref();
  });

async function putInPlace(draft: string, outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  for (const file of await readdir(outDir)) if (file.endsWith('.json')) await rm(path.join(outDir, file));
  for (const file of await readdir(draft)) await copyFile(path.join(draft, file), path.join(outDir, file));
  await rm(draft, { recursive: true });
}

process.exitCode = await main(process.argv.slice(2));
