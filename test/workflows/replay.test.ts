import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { historyFromJson } from '../../deploy/local/record-histories/history-json.js';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';
import { resealDataConverter } from '../../workers/codec/data-converter.js';
import { makeKeyring } from '../../workers/codec/keyring.js';

const folder = fileURLToPath(new URL('../histories/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'keyring.json');

const INCIDENTS = [
  'incident-resolved',
  'incident-refused-then-passed-1',
  'incident-refused-then-passed-2',
  'incident-waiting-for-host',
  'incident-escalated',
  'incident-release-refused-halfway',
];

/** Read here and not as a keyring file: a clone does not keep its mode, and the key protects nothing. */
function testKeyring() {
  const schema = z.object({ current: z.string(), keys: z.array(z.object({ id: z.string(), key_b64: z.string() })) });
  const { current, keys } = schema.parse(JSON.parse(readFileSync(path.join(folder, 'keyring.json'), 'utf8')));
  return makeKeyring(
    current,
    keys.map(({ id, key_b64 }) => [id, Buffer.from(key_b64, 'base64')] as const),
  );
}

const optionsFor = (codePath: string): ReplayWorkerOptions => ({
  workflowBundle: { codePath },
  dataConverter: resealDataConverter(testKeyring()),
});

/** Replays every history and answers, by file, what went wrong; null where nothing did. */
async function replayAll(codePath: string): Promise<Map<string, string | null>> {
  const histories = files.map((name) => ({
    workflowId: name,
    history: historyFromJson(readFileSync(path.join(folder, name), 'utf8')),
  }));
  const results = new Map<string, string | null>();
  for await (const { workflowId, error } of Worker.runReplayHistories(optionsFor(codePath), histories)) {
    results.set(workflowId, error === undefined ? null : `${error.name}: ${error.message}`);
  }
  return results;
}

describe('histories that earlier versions wrote', () => {
  let changed: string;
  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    changed = await mkdtemp(path.join(os.tmpdir(), 'reseal-replay-'));
  });
  afterAll(() => rm(changed, { recursive: true }));

  it('are of every end, and of what happens on the way to one', () => {
    for (const name of [
      'denied',
      'cancelled',
      'unapproved',
      'not-granted',
      'closed',
      'expired',
      'terminated-2',
      ...INCIDENTS,
    ]) {
      expect(files).toContain(`${name}.json`);
    }
    expect(files.filter((name) => name.startsWith('continued-')).length).toBeGreaterThan(2);
  });

  it('replay with the bundle that workers run', async () => {
    const results = await replayAll(WORKFLOW_BUNDLE);
    expect([...results.keys()].sort()).toEqual([...files].sort());
    expect([...results].filter(([, error]) => error !== null)).toEqual([]);
  });

  it('do not replay with one in which two commands have changed places', async () => {
    const code = readFileSync(WORKFLOW_BUNDLE, 'utf8');
    const swapped = code.replace(
      /^( +)(conductor\.reconcile\(wanted\(\)\);)\n((?:.*\n){0,6}?) +(alarm\.setFor\(\(0,.*)$/m,
      (_, indent: string, work: string, between: string, alarm: string) =>
        `${indent}${alarm}\n${indent}${work}\n${between}`,
    );
    expect(swapped).not.toBe(code);
    const codePath = path.join(changed, 'workflow-bundle.js');
    await writeFile(codePath, swapped);
    const results = await replayAll(codePath);
    const failed = [...results].filter(([, error]) => error !== null);
    expect(failed.length).toBeGreaterThan(files.length / 2);
    for (const [, error] of failed) expect(error).toMatch(/DeterminismViolation|Nondeterminism/i);
  });
});
