import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directoryRegistry } from '../../../../activities/contracts/directory-registry.js';
import { layoutOf, type Layout } from '../../../../deploy/local/stack/layout.js';
import { stackFiles } from '../../../../deploy/local/stack/stack-files.js';
import { systemClock } from '../../../../activities/clock.js';
import type { ContractBook } from '../../../../workers/contract-book.js';
import { openContractBook } from '../../../../workers/open-contract-book.js';

let folder: string;
let layout: Layout;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'reseal-publish-'));
  layout = layoutOf(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = () => stackFiles(layout, { dir: folder, log: () => undefined });
const book = (series = 'local'): Promise<ContractBook> => {
  const settings = { registry: layout.contracts, series, roster_series: 'local', roots_path: layout.contractRoots };
  return openContractBook({ ...settings, refresh_seconds: 1 }, systemClock, () => undefined);
};
const edit = async (file: string, from: string, to: string): Promise<void> => {
  const text = await readFile(file, 'utf8');
  expect(text).toContain(from);
  await writeFile(file, text.replace(from, to));
};

describe('a local stack that starts', () => {
  it('gives its policy file a contract section and publishes both documents, signed by both signers', async () => {
    const { policy } = await start();
    expect(policy.policy.contract).toMatchObject({ series: 'local', version: 1 });
    const carrying = (await book()).carrying(policy.digest, Date.now());
    expect(carrying).toMatchObject({ ok: true, versions: [{ version: 1 }, { kind: 'roster', version: 1 }, {}] });
  });

  it('publishes nothing new but a fresh list when nothing was edited', async () => {
    const first = await start();
    const text = await readFile(layout.policy, 'utf8');
    const again = await start();
    expect(again.policy.digest).toBe(first.policy.digest);
    expect(await readFile(layout.policy, 'utf8')).toBe(text);
    const registry = directoryRegistry(layout.contracts);
    expect(await registry.list('contract')).toHaveLength(1);
    expect(await registry.list('roster')).toHaveLength(1);
    expect((await registry.list('revocations')).sort()).toEqual(['1', '2']);
  });

  it('publishes an edited policy as the next version, and leaves comments as they were', async () => {
    const first = await start();
    await edit(layout.policy, 'approval_window: 30m', 'approval_window: 20m');
    const second = await start();
    expect(second.policy.policy).toMatchObject({ approval_window: 1200, contract: { version: 2 } });
    expect(await readFile(layout.policy, 'utf8')).toContain('# Two people, one of each group');
    const now = await book();
    expect(now.carrying(second.policy.digest, Date.now()).ok).toBe(true);
    expect(now.carrying(first.policy.digest, Date.now())).toMatchObject({ code: 'contract_superseded' });
  });

  it('publishes an old text again as a new version: there is no way back', async () => {
    await start();
    const old = await readFile(layout.policy, 'utf8');
    await edit(layout.policy, 'approval_window: 30m', 'approval_window: 20m');
    await start();
    await writeFile(layout.policy, old);
    expect((await start()).policy.policy).toMatchObject({ approval_window: 1800, contract: { version: 3 } });
  });

  it('publishes an edited roster as its next version', async () => {
    await start();
    await edit(layout.roster, 'groups:\n      - oncall', 'groups:\n      - oncall\n      - security');
    const { policy } = await start();
    const carrying = (await book()).carrying(policy.digest, Date.now());
    expect(carrying).toMatchObject({ ok: true, versions: [{ version: 1 }, { kind: 'roster', version: 2 }, {}] });
  });

  it('names the line of a policy and of a roster that are wrong', async () => {
    await start();
    const roster = await readFile(layout.roster, 'utf8');
    await edit(layout.roster, 'kind: human', 'kind: dog');
    await expect(start()).rejects.toThrow(/roster\.yaml:\d+:\d+: people\.0\.kind/);
    await writeFile(layout.roster, roster);
    await edit(layout.policy, 'approval_window: 30m', 'approval_window: soon');
    await expect(start()).rejects.toThrow(/policy\.yaml:\d+:\d+: approval_window/);
  });
});
