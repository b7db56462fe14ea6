import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { resealProgram } from '../../../client/cli/program.js';
import { run } from '../../../client/cli/run.js';

async function help(...argv: string[]): Promise<{ status: number; out: string }> {
  let out = '';
  const write = (text: string): string => (out += text);
  const io = { stdout: { write }, stderr: { write }, stdin: process.stdin, env: {}, cwd: '/', isTTY: false };
  return { status: await run(argv, io), out };
}

const program = resealProgram('0', () => Promise.resolve());
const paths = (command: Command, path: string[]): string[][] => [
  path,
  ...command.commands.flatMap((child) => paths(child, [...path, child.name()])),
];
const leaves = paths(program, []).filter((path) => !['policy', 'ledger', 'evidence'].includes(path.join(' ')));

describe('when help is asked for', () => {
  it.each(leaves.map((path) => [path.join(' '), path] as const))('shows examples of reseal %s', async (_name, path) => {
    const { status, out } = await help(...path, '--help');
    expect(status).toBe(0);
    expect(out).toMatch(/^Examples:\n {2}\$ reseal /m);
  });

  it('lists the exit statuses', async () => {
    expect((await help('--help')).out).toMatch(/8 rollback not yet confirmed/);
  });

  it('answers the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect((await help('--version')).out.trim()).toBe(version);
  });

  it('loads nothing but commander: everything heavier is imported when a command runs', () => {
    const cli = fileURLToPath(new URL('../../../client/cli/', import.meta.url));
    const files = [
      'main.ts',
      'run.ts',
      'program.ts',
      ...readdirSync(join(cli, 'commands')).map((name) => join('commands', name)),
    ];
    const loaded = files.flatMap((file) => {
      const text = readFileSync(join(cli, file), 'utf8');
      const imports = [...text.matchAll(/^import (?!type)[^;]*?from '([^']+)'/gm)].map(([, from]) => from ?? '');
      return imports.map((from) => (from.startsWith('.') ? join(dirname(file), from).replace(/\.js$/, '.ts') : from));
    });
    const allowed = (name: string): boolean => name === 'commander' || name.startsWith('node:') || files.includes(name);
    expect(loaded.filter((name) => !allowed(name))).toEqual([]);
    expect(loaded).toContain('commander');
  });
});
