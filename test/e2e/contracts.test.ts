import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { run } from '../../client/cli/run.js';
import type { DocumentStanding } from '../../client/contract/document-standing.js';
import { CeremonyStack } from '../support/ceremony-stack.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

/** A command in the folder of the local stack, where it finds everything by itself. */
async function here(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await run(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    stdin: process.stdin,
    env: { PATH: process.env['PATH'] ?? '' },
    cwd: stack.stack.layout.root,
    isTTY: false,
  });
  return { status, out, err };
}

async function listed(...more: string[]): Promise<DocumentStanding[]> {
  const { out } = await here('contract', 'list', '-o', 'json', ...more);
  return (JSON.parse(out) as { documents: DocumentStanding[] }).documents;
}

describe('the contracts of a local stack', () => {
  it('are listed without saying where they are, and the same by the gateway', async () => {
    const documents = await listed();
    const newest = documents.filter(({ code }) => code === 'in_force').map(({ kind }) => kind);
    expect(newest).toEqual(['contract', 'roster', 'revocations']);
    expect(await listed('--registry', stack.stack.dev.gateway_url)).toEqual(documents);
  });

  it.each([
    ['in the folder', () => []],
    ['to the gateway, by their signatures alone', () => ['--registry', stack.stack.dev.gateway_url]],
  ])('are superseded by what their signers publish %s', async (_place, where) => {
    const { layout } = stack.stack;
    const before = (await listed()).find(({ kind }) => kind === 'contract');
    const policy = parse(readFileSync(layout.policy, 'utf8')) as { contract: { version: number } };
    policy.contract.version += 1;
    writeFileSync(join(layout.root, 'next.yaml'), stringify(policy));
    const keys = readdirSync(layout.contractSigners).flatMap((name) =>
      name.endsWith('.pem') ? ['--key', join(layout.contractSigners, name)] : [],
    );
    const alone = await here('contract', 'publish', 'next.yaml', ...keys.slice(0, 2), ...where());
    expect(alone).toMatchObject({ status: 0 });
    expect(alone.err).toContain('another signer runs');
    const told = await here('contract', 'publish', 'next.yaml', ...keys, ...where());
    expect(told).toMatchObject({ status: 0 });
    writeFileSync(layout.policy, stringify(policy));
    const after = await listed();
    expect(after.find(({ name }) => name === before?.name)?.code).toBe('contract_superseded');
    expect(after.filter(({ kind, code }) => kind === 'contract' && code === 'in_force')).toHaveLength(1);
  });

  it('are not what anybody else publishes to the gateway: exit 4', async () => {
    const { layout, dev } = stack.stack;
    const mine = join(layout.root, 'mine');
    await here('contract', 'keygen', `${mine}.pem`);
    await here('contract', 'roots', `${mine}.json`, '--threshold', '1', '--add', `mallory=${mine}.pem.pub`);
    const policy = parse(readFileSync(layout.policy, 'utf8')) as { contract: { version: number } };
    writeFileSync(
      join(layout.root, 'laxer.yaml'),
      stringify({ ...policy, contract: { ...policy.contract, version: 99 } }),
    );
    const before = await listed();
    const asked = ['--key', `${mine}.pem`, '--roots', `${mine}.json`, '--registry', dev.gateway_url];
    const told = await here('contract', 'publish', 'laxer.yaml', ...asked);
    expect([told.status, told.err]).toEqual([4, expect.stringContaining('nobody who may sign it did')]);
    expect(await listed('--registry', dev.gateway_url)).toEqual(before);
  });
});
