import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { contracted, eventId, trustText, verifyContracted } from './contracted-ceremony.js';
import { evenly, mangled, MutatedBundle } from './mutated-bundle.js';

const text = contracted();
const bytes = Buffer.from(text);
const bundle = new MutatedBundle(text);

describe('a full bundle, with contract, rosters, warrant, statements, entries and snapshots', () => {
  it('verifies as it is', () => {
    const report = verifyContracted(text);
    expect(report.errors).toEqual([]);
    expect(report.ok).toBe(true);
    expect(Object.keys(bundle.predicate).sort()).toEqual([
      'contract',
      'entries',
      'event_id',
      'people',
      'policy',
      'rosters',
      'schema',
      'sealed_at',
      'stage',
    ]);
  });

  it('200 structural and single-byte mutations of signed content are all refused', () => {
    const mutations = bundle.mutations();
    expect(mutations).toHaveLength(200);
    expect(mutations.filter(({ content }) => content === bundle.before)).toEqual([]);
    const passed = mutations.filter(({ file }) => verifyContracted(file).ok).map(({ name }) => name);
    expect(passed).toEqual([]);
  });

  it('names a place and says what is wrong, for a single byte anywhere in the file', () => {
    for (const at of evenly([...bytes.keys()], 60)) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const report = verifyContracted(changed.toString('latin1'));
      expect(report.ok, `byte ${at}`).toBe(false);
      expect(report.errors.every(({ where, message }) => where !== '' && message !== '')).toBe(true);
    }
  });

  it('is refused when whoever holds the register’s key chains and seals it anew: what others signed stays theirs', () => {
    const { contract, rosters = [], entries } = bundle.predicate;
    if (contract === undefined) throw new Error('the bundle holds a contract');
    expect(verifyContracted(bundle.sealedAnew({})).errors).toEqual([]);
    const forged = [
      ...mangled(contract).map((one) => bundle.sealedAnew({ contract: one })),
      ...rosters.flatMap((roster) => mangled(roster).map((one) => bundle.sealedAnew({ rosters: [one] }))),
      ...bundle.mangledEntries(),
    ];
    expect(forged.length).toBeGreaterThan(2 * entries.length);
    expect(forged.filter((file) => verifyContracted(file).ok)).toEqual([]);
    expect(
      forged.map((file) => verifyContracted(file).errors[0]?.code).filter((code) => code === 'envelope_signature'),
    ).toEqual([]);
  });
});

describe('a bundle from one machine', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'reseal-elsewhere-'));
    await writeFile(path.join(directory, 'bundle.json'), text);
    await writeFile(path.join(directory, 'roots.json'), trustText());
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** The command in a process of its own, that sees the two files and nothing of this machine's configuration. */
  const verifyElsewhere = (file: string, trust = 'roots.json') =>
    spawnSync(process.execPath, [main, 'evidence', 'verify', file, '--trust', trust, '-o', 'json'], {
      cwd: directory,
      env: { HOME: directory, PATH: '' },
      encoding: 'utf8',
    });
  const main = path.resolve(import.meta.dirname, '../../dist/client/cli/main.js');

  it('verifies on another with only the trust roots', () => {
    const { status, stdout, stderr } = verifyElsewhere('bundle.json');
    expect(stderr).toContain('trust roots:');
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      event_id: eventId,
      facts: { contract: { signers: ['ann', 'ben'] }, roster: { signers: ['ann', 'ben'] } },
    });
    expect(status).toBe(0);
  });

  it('does not verify there once it was changed on the way: exit 7', async () => {
    const changed = Buffer.from(text);
    changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
    await writeFile(path.join(directory, 'changed.json'), changed);
    expect(verifyElsewhere('changed.json').status).toBe(7);
  });

  it('does not verify by the trust roots of somebody else: exit 7', async () => {
    const { contract_roots: _roots, ...others } = JSON.parse(trustText()) as Record<string, unknown>;
    await cp(path.join(directory, 'bundle.json'), path.join(directory, 'same.json'));
    await writeFile(path.join(directory, 'theirs.json'), JSON.stringify({ ...others, policies: [] }));
    expect(verifyElsewhere('same.json', 'theirs.json').status).toBe(7);
  });
});
