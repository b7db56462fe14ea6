import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type Gateway } from '../../../../client/gateway/start-gateway.js';
import { hasTmux, TmuxPane } from '../../../../deploy/local/terminal-session/tmux-pane.js';
import { MachineApi } from '../../machine-api.js';
import { makePeople, testPolicy, type People } from '../../people.js';
import { aliceAsks, signedAct, signedRequest } from '../../signed.js';

const RESEAL = fileURLToPath(new URL('../../../../bin/reseal.js', import.meta.url));
// The gateway is in this process: whoever asks it must not block it.
const run = promisify(execFile);
const OPEN = '0123456789abcdef';
const ENDED = 'fedcba9876543210';
const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;
const tmux = await hasTmux();
const missing = (shell: string): string => (has(shell) ? '' : ` (skipped: ${shell} is not installed)`);

let folder: string;
let people: People;
let gateway: Gateway;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-completion-'));
  people = makePeople();
  const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  const ended = aliceAsks(ENDED);
  await api.open(await signedRequest(people, aliceAsks(OPEN)), OPEN);
  await api.open(await signedRequest(people, ended), ENDED);
  await api.speak(ENDED, 'deny', await signedAct(people, 'bob', 'deny', ended));
  gateway = await startGateway({ api, port: 0 });
  const key = people.keyOf('alice');
  writeFileSync(join(folder, 'reseal.yaml'), `identities: [{ as: alice@example.test, key: ${key} }]\n`);
  writeFileSync(join(folder, 'a bundle.json'), '{}');
  writeFileSync(join(folder, 'reseal'), `#!/bin/sh\nexec "${process.execPath}" "${RESEAL}" "$@"\n`, { mode: 0o755 });
  env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, RESEAL_GATEWAY_URL: gateway.url };
});
afterAll(async () => {
  await gateway.close();
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const LINES: readonly (readonly [line: string, values: string[]])[] = [
  ['reseal appr', ['approve']],
  ['reseal breakglass k', ['kill']],
  ['reseal breakglass list --over', ['--overdue']],
  ['reseal breakglass --profile ', ['security-admin']],
  ['reseal breakglass --reason-code in', ['incident']],
  ['reseal breakglass check ', [OPEN, ENDED]],
  ['reseal breakglass check 01', [OPEN]],
  ['reseal approve ', [OPEN]],
  ['reseal breakglass kill ', [OPEN]],
  ['reseal --as al', ['alice@example.test']],
  ['reseal evidence verify a', ['a bundle.json']],
  ['reseal completion ', ['bash', 'zsh', 'fish']],
];

describe(`in a real bash${missing('bash')}`, () => {
  /** Calls the function as bash itself would, with the words as bash's own COMP_WORDBREAKS end them. */
  const bashAt = async (line: string, words: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<string[]> => {
    const script = [
      'source <(reseal completion bash)',
      'compopt() { :; }',
      'COMP_LINE=$1 COMP_POINT=${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))',
      '_reseal && printf "%s\\n" "${COMPREPLY[@]}"',
    ].join('\n');
    const argv = ['--norc', '-c', script, 'bash', line, ...words];
    const { stdout } = await run('bash', argv, { cwd: folder, env: { ...env, ...extra } });
    return stdout.split('\n').filter((value) => value !== '');
  };
  const plainWords = (line: string): string[] => line.split(' ');

  it.skipIf(!has('bash')).each(LINES)('completes %j', async (line, values) => {
    const found = await bashAt(line, plainWords(line));
    expect(found.sort()).toEqual([...values].sort());
  });

  it.skipIf(!has('bash'))('puts back only what stands after the = or @ at which bash ends words', async () => {
    const coded = ['reseal', 'breakglass', '--reason-code', '=', 'in'];
    expect(await bashAt('reseal breakglass --reason-code=in', coded)).toEqual(['incident']);
    expect(await bashAt('reseal --output=', ['reseal', '--output', '='])).toEqual(['table', 'json', 'yaml']);
    expect(await bashAt('reseal --as alice@ex', ['reseal', '--as', 'alice', '@', 'ex'])).toEqual(['example.test']);
  });

  it.skipIf(!has('bash'))('is silent when the gateway is down, and still knows what needs no gateway', async () => {
    const down = { RESEAL_GATEWAY_URL: 'http://127.0.0.1:9' };
    expect(await bashAt('reseal approve ', ['reseal', 'approve', ''], down)).toEqual([]);
    expect(await bashAt('reseal appr', ['reseal', 'appr'], down)).toEqual(['approve']);
  });
});

describe(`in a real fish${missing('fish')}`, () => {
  const fishAt = async (line: string): Promise<string[]> => {
    const script = `reseal completion fish | source; complete -C ${JSON.stringify(line)}`;
    const { stdout } = await run('fish', ['--no-config', '-c', script], { cwd: folder, env });
    return stdout
      .split('\n')
      .filter((answer) => answer !== '')
      .map((answer) => answer.split('\t')[0]?.replaceAll('\\ ', ' ') ?? '');
  };

  it.skipIf(!has('fish')).each(LINES)('completes %j', async (line, values) => {
    expect((await fishAt(line)).sort()).toEqual([...values].sort());
  });
});

const typing = tmux ? '' : ' (skipped: tmux is not installed)';
describe(`when somebody presses Tab in a real terminal${typing}`, () => {
  it.skipIf(!tmux || !has('zsh'))(`completes in zsh${missing('zsh')}`, async () => {
    const pane = await TmuxPane.open({ command: 'zsh -f', cwd: folder, env: terminalEnv() });
    try {
      const dump = join(folder, 'zcompdump');
      await pane.type(`PS1='> '; autoload -U compinit; compinit -u -d '${dump}'; source <(reseal completion zsh)`);
      await pane.press('Enter');
      await pane.type("echo rea''dy");
      await pane.press('Enter');
      await pane.until(/^ready$/m);
      await pane.type('reseal breakglass --reason-code inc');
      await pane.press('Tab');
      await pane.until(/> reseal breakglass --reason-code incident/);
      await pane.press('C-u');
      await pane.type('reseal breakglass check 01');
      await pane.press('Tab');
      await pane.until(new RegExp(`> reseal breakglass check ${OPEN}`));
      await pane.press('C-u');
      await pane.type('reseal breakglass ');
      await pane.press('Tab');
      await pane.until(/list +-- ceremonies, the newest first/);
    } finally {
      await pane.close();
    }
  });

  it.skipIf(!tmux || !has('bash'))('completes in bash', async () => {
    const pane = await TmuxPane.open({ command: 'bash --norc', cwd: folder, env: terminalEnv() });
    try {
      await pane.type("PS1='> '; source <(reseal completion bash); echo rea''dy");
      await pane.press('Enter');
      await pane.until(/^ready$/m);
      await pane.type('reseal --as=al');
      await pane.press('Tab');
      await pane.until(/> reseal --as=alice@example\.test/);
      await pane.press('C-u');
      await pane.type('reseal evidence verify a');
      await pane.press('Tab');
      await pane.until(/> reseal evidence verify a\\ bundle\.json/);
    } finally {
      await pane.close();
    }
  });
});

const terminalEnv = (): Record<string, string> => ({
  PATH: env['PATH'] ?? '',
  RESEAL_GATEWAY_URL: gateway.url,
});

describe('when the gateway does not answer', () => {
  let silent: Server;
  afterAll(() => {
    silent.closeAllConnections();
    silent.close();
  });

  it('gives up soon, says nothing and exits 0', async () => {
    silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const { stdout, stderr, status } = spawnSync(process.execPath, [RESEAL, 'complete', '--', 'reseal approve '], {
      cwd: folder,
      env: { ...env, RESEAL_GATEWAY_URL: `http://127.0.0.1:${port}` },
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  it.each(['http://127.0.0.1:9', 'nonsense'])('says nothing of %s', (url) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [RESEAL, 'complete', '--', 'reseal approve '], {
      cwd: folder,
      env: { ...env, RESEAL_GATEWAY_URL: url },
      encoding: 'utf8',
    });
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
  });
});
