import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_PLAYBOOK } from '../../domain/incidents/playbook.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { readPlaybooks } from '../../workers/playbooks-file.js';
import { settingsSchema } from '../../workers/settings.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-playbooks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const settings = (recovery: object) => ({ recovery: settingsSchema.shape.recovery.parse(recovery) });

describe('the playbooks of a process', () => {
  const current = file('2.yaml', 'schema: reseal.playbooks.v1\nacknowledgements: { critical: 2 }\n');
  const before = file('1.json', '{"schema": "reseal.playbooks.v1", "operators": {"release": ["person:bob"]}}');

  it('are the built-in one where no file is named', async () => {
    expect(await readPlaybooks(settings({}))).toEqual({ playbook: DEFAULT_PLAYBOOK });
  });

  it('are its file and those before it, each by its digest', async () => {
    const named = { playbooks_path: current, former_playbooks_paths: [before, 'built-in'] };
    const { playbook, playbookDigest, playbooks } = await readPlaybooks(settings(named));
    expect(playbook.acknowledgements).toMatchObject({ critical: 2, high: 1 });
    expect([...(playbooks?.keys() ?? [])]).toEqual([playbookDigest, expect.any(String), digestOf(DEFAULT_PLAYBOOK)]);
    expect([...(playbooks?.values() ?? [])][1]?.operators).toEqual({ release: ['person:bob'] });
    const alone = await readPlaybooks(settings({ playbooks_path: current }));
    expect([...(alone.playbooks?.keys() ?? [])]).toEqual([playbookDigest]);
  });

  it('keep a process from starting where a file is missing or weakens what is fixed', async () => {
    const missing = settings({ playbooks_path: join(folder, 'none.yaml') });
    await expect(readPlaybooks(missing)).rejects.toMatchObject({ code: 'file_missing' });
    const play = 'severity: low, actions: [freeze_agent], latched: true, reattest: false';
    const weak = file('weak.yaml', `schema: reseal.playbooks.v1\nclasses:\n  unauthorized_access: { ${play} }\n`);
    await expect(
      readPlaybooks(settings({ playbooks_path: current, former_playbooks_paths: [weak] })),
    ).rejects.toMatchObject({
      code: 'file_invalid',
      message: expect.stringContaining('weak.yaml:3:') as string,
    });
  });
});
