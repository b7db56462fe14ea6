import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { DevJson } from '../../../../deploy/local/stack/dev-json.js';
import { descendantsOf, FREE_PORTS, isAlive, ResealProcess } from '../../../support/dev-process.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newFolder = (): string => mkdtempSync(join(folder, 'dev-'));

describe('reseal dev --ephemeral', () => {
  it('can be found while it runs, and leaves nothing', async () => {
    const cwd = newFolder();
    const dev = await ResealProcess.dev(cwd, '--ephemeral');
    const told = JSON.parse(readFileSync(join(cwd, '.reseal', 'dev.json'), 'utf8')) as DevJson;
    expect(told.pid).toBe(dev.pid);
    const list = await ResealProcess.run(['breakglass', 'list', '-o', 'json'], cwd);
    expect(list).toMatchObject({ status: 0 });
    const children = descendantsOf(dev.pid);
    expect(await dev.end('SIGTERM')).toBe(0);
    expect(children.filter(isAlive)).toEqual([]);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('leaves a state that is kept as it was, and removes what a killed one left', async () => {
    const cwd = newFolder();
    const kept = join(cwd, '.reseal', 'policy.yaml');
    mkdirSync(join(cwd, '.reseal', 'ephemeral'), { recursive: true });
    writeFileSync(kept, '# kept\n');
    writeFileSync(join(cwd, '.reseal', 'ephemeral', 'left'), 'by a stack that was killed');
    const dev = await ResealProcess.dev(cwd, '--ephemeral');
    expect(existsSync(join(cwd, '.reseal', 'ephemeral', 'left'))).toBe(false);
    await dev.end('SIGINT');
    expect(readdirSync(join(cwd, '.reseal'))).toEqual(['policy.yaml']);
    expect(readFileSync(kept, 'utf8')).toBe('# kept\n');
  });
});

describe('when reseal dev cannot start', () => {
  it.each(['gateway', 'temporal', 'ui', 'graph'])('names a %s port that is taken, and the option', async (name) => {
    const cwd = newFolder();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const ports = FREE_PORTS.map((value, index) => (FREE_PORTS[index - 1] === `--${name}-port` ? String(port) : value));
    const answer = await ResealProcess.run(['dev', ...ports], cwd);
    other.close();
    expect(answer.status).toBe(2);
    expect(answer.stderr).toContain(`port ${port}`);
    expect(answer.stderr).toContain(`--${name}-port`);
    expect(readdirSync(join(cwd, '.reseal')).filter((file) => /pid|json$|lock/.test(file))).not.toContain('dev.pid');
  });

  it('names the line of a policy that is wrong', async () => {
    const cwd = newFolder();
    mkdirSync(join(cwd, '.reseal'));
    writeFileSync(join(cwd, '.reseal', 'policy.yaml'), 'version: 1\nname: local\ntimebox: { default: soon }\n');
    const answer = await ResealProcess.run(['dev', ...FREE_PORTS], cwd);
    expect(answer.status).toBe(2);
    expect(answer.stderr).toMatch(/policy\.yaml:\d+:\d+/);
  });

  it('says that PostgreSQL cannot be reached, without its password', async () => {
    const cwd = newFolder();
    const url = 'postgres://reseal:not-for-logs@127.0.0.1:9/reseal';
    const answer = await ResealProcess.run(['dev', ...FREE_PORTS], cwd, { RESEAL_DATABASE_URL: url });
    expect(answer.status).toBe(6);
    expect(answer.stderr).toContain('PostgreSQL cannot be reached');
    expect(answer.stderr).toContain('RESEAL_DATABASE_URL');
    expect(answer.stderr).not.toContain('not-for-logs');
  });
});
