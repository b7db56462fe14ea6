import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('the bundle that workers run', () => {
  const code = readFileSync(WORKFLOW_BUNDLE, 'utf8');
  const modules = [...code.matchAll(/^\/\*{3}\/ "([^"]+)"/gm)].map(([, name]) => name ?? '');

  it('holds the workflows, the pure domain and the converters, and nothing else of ours', () => {
    const ours = modules.filter((name) => !name.includes('/node_modules/'));
    expect(ours.length).toBeGreaterThan(20);
    const folders = new Set(ours.map((name) => /^\.\/([a-z]+)\//.exec(name)?.[1] ?? name));
    expect([...folders].sort()).toEqual(['domain', 'workers', 'workflows']);
    for (const name of ours.filter((one) => one.includes('/workers/'))) expect(name).toContain('/workers/codec/');
  });

  it('asks for no module of node', () => {
    const wanted = [...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? '');
    const builtins = modules.filter((name) => builtinModules.includes(name.replace(/^node:/, '')));
    expect([...wanted.filter((name) => !name.startsWith('.')), ...builtins]).toEqual([]);
  });

  it('draws on no randomness and no clock but those that are replayed', () => {
    const pattern = /\bcrypto\.(randomUUID|getRandomValues|randomBytes)|\bprocess\.hrtime|\bperformance\.now/;
    const start = code.indexOf('"./domain/');
    expect(start).toBeGreaterThan(0);
    expect(pattern.exec(code.slice(start))?.[0]).toBeUndefined();
  });
});

describe('the layers', () => {
  const eslint = new ESLint({ cwd: root });
  /** The rule's own word on a file of a layer that says this. */
  async function complaints(filePath: string, text: string): Promise<(string | null)[]> {
    const [result] = await eslint.lintText(text, { filePath: `${root}${filePath}` });
    return (result?.messages ?? []).map(({ ruleId }) => ruleId);
  }

  it.each([
    ['domain/duration.ts', "import { readFileSync } from 'node:fs';\nexport const text = readFileSync;\n"],
    ['domain/duration.ts', "import { sleep } from '@temporalio/workflow';\nexport const wait = sleep;\n"],
    [
      'domain/duration.ts',
      "import { digestOf } from '../proofs/canonical-json.js';\nexport const digest = digestOf;\n",
    ],
    ['proofs/base64.ts', "import { connect } from 'node:net';\nexport const open = connect;\n"],
    [
      'workflows/inbox.ts',
      "import { digestOf } from '../proofs/canonical-json.js';\nexport const digest = digestOf;\n",
    ],
    [
      'workflows/inbox.ts',
      "import { systemClock } from '../activities/clock.js';\nexport const clock = systemClock;\n",
    ],
    ['activities/clock.ts', "import { ROLES } from '../workers/role-keys.js';\nexport const roles = ROLES;\n"],
  ])(
    '%s may not reach up or out',
    async (file, text) => {
      expect(await complaints(file, text)).toContain('no-restricted-imports');
    },
    60_000,
  );

  it('lets a file of domain reach another', async () => {
    const text = "import { instant } from './identifiers.js';\nexport const at = instant;\n";
    expect(await complaints('domain/duration.ts', text)).toEqual([]);
  }, 60_000);
});
