import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';

const root = path.resolve(fileURLToPath(new URL('../../', import.meta.url)));
const again = path.join(root, `dist.again-${process.pid}`);
afterAll(() => rmSync(again, { recursive: true, force: true }));

const mapOf = (code: string): string =>
  Buffer.from(
    /sourceMappingURL=data:application\/json;charset=utf-8;base64,(\S+)/.exec(code)?.[1] ?? '',
    'base64',
  ).toString();

describe('the bundle that workers run', () => {
  it('is the same, byte for byte, when the same tree is built again under another name and from elsewhere', () => {
    cpSync(path.join(root, 'dist'), again, { recursive: true });
    const bundler = pathToFileURL(path.join(again, 'workers', 'bundle-workflows.js')).href;
    const target = path.join(again, 'bundle-again.js');
    const script = `await (await import(${JSON.stringify(bundler)})).bundleWorkflows(${JSON.stringify(target)})`;
    const built = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: '/', encoding: 'utf8' });
    expect(built).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(target).equals(readFileSync(WORKFLOW_BUNDLE))).toBe(true);
  });

  it('loads what is pure once for all workflows, and last what keeps it from being frozen', () => {
    const code = readFileSync(WORKFLOW_BUNDLE, 'utf8');
    const [, preloaded = ''] = /preloadModules = function preloadModules\(\) \{([\s\S]*?)\n\}/.exec(code) ?? [];
    const loaded = [...preloaded.matchAll(/"([^"]+\.js)"\)/g)].map(([, name = '']) => name);
    expect(loaded).toEqual(expect.arrayContaining(['./domain/ceremony.js', './domain/incidents/incident-machine.js']));
    expect(loaded.at(-1)).toBe('./workflows/share-modules.js');
    expect(loaded.filter((name) => !name.startsWith('./domain/'))).toHaveLength(1);
  });

  it('names no place of the machine that built it, and still names sources in stack traces', () => {
    const code = readFileSync(WORKFLOW_BUNDLE, 'utf8');
    const map = mapOf(code);
    const { sources } = JSON.parse(map) as { sources: string[] };
    expect(sources).toContain('workflows/run-ceremony.ts');
    for (const text of [code, map]) {
      expect(text).not.toContain(root);
      expect(text).not.toMatch(/dist\.\d/);
    }
  });
});
