import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasTmux, TmuxPane } from '../../../../deploy/local/terminal-session/tmux-pane.js';
import type { CeremonyView } from '../../../../domain/view.js';
import { CeremonyStack } from '../../../support/ceremony-stack.js';
import { ResealProcess } from '../../../support/dev-process.js';

const RESEAL = fileURLToPath(new URL('../../../../bin/reseal.js', import.meta.url));
const tmux = await hasTmux();
const folder = mkdtempSync(join(tmpdir(), 'reseal-operator-'));
let stack: CeremonyStack;

beforeAll(async () => {
  stack = await CeremonyStack.start();
  mkdirSync(join(folder, '.reseal'));
  writeFileSync(join(folder, '.reseal', 'dev.json'), JSON.stringify(stack.stack.dev));
  writeFileSync(join(folder, 'reseal'), `#!/bin/sh\nexec "${process.execPath}" "${RESEAL}" "$@"\n`, { mode: 0o755 });
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

const reseal = (...args: string[]) => ResealProcess.run(args, folder, { TZ: 'Europe/Berlin' });
const ids = (stdout: string): string[] => (JSON.parse(stdout) as CeremonyView[]).map(({ event_id }) => event_id);

describe('on a real stack, as processes of their own', () => {
  it('the doctor finds everything right', async () => {
    const { status, stdout, stderr } = await reseal('doctor', '--quiet', '--as', 'alice', '-o', 'json');
    const { checks } = JSON.parse(stdout) as { checks: { name: string; verdict: string; detail: string }[] };
    expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(checks.find(({ name }) => name === 'Temporal')?.detail).toMatch(/^server 1\.(3[2-9]|[4-9]\d)\./);
    const direct = await reseal('doctor', '--direct', '--as', 'bob');
    expect(direct).toMatchObject({ status: 0 });
    expect(direct.stdout).toMatch(/^ok {4}Temporal {7}server .* \(asked from here\)$/m);
  });

  it('status tells each person what waits for them, and lists filter under both names', async () => {
    const waiting = await stack.ask();
    const active = await stack.activate();
    const status = async (who: string) =>
      JSON.parse((await reseal('status', '--as', who, '-o', 'json')).stdout) as {
        waiting: { approval: CeremonyView[]; close: CeremonyView[] };
      };
    const [alice, bob, mallory] = [await status('alice'), await status('bob'), await status('mallory')];
    expect(bob.waiting.approval.map(({ event_id }) => event_id)).toEqual([waiting.event]);
    expect(alice.waiting.approval).toEqual([]);
    expect(alice.waiting.close.map(({ event_id }) => event_id)).toEqual([active.event]);
    expect(mallory.waiting).toMatchObject({ approval: [], close: [] });

    for (const name of [['breakglass', 'list'], ['breakglass-list']]) {
      const list = async (...filters: string[]): Promise<string[]> =>
        ids((await reseal(...name, ...filters, '-o', 'json')).stdout);
      expect((await list('--open')).sort()).toEqual([waiting.event, active.event].sort());
      expect(await list('--status', 'active')).toEqual([active.event]);
      expect(await list('--profile', waiting.profile)).toEqual([waiting.event]);
      expect((await list('--invoker', 'alice@corp.example', '--since', '1h')).length).toBe(2);
      expect(await list('--invoker', 'bob@corp.example')).toEqual([]);
      expect(await list('--overdue')).toEqual([]);
      expect((await list('--limit', '1')).length).toBe(1);
    }
    const kill = await reseal('breakglass', 'kill', active.event, '--as', 'erin');
    expect(kill).toMatchObject({ status: 0 });
    // Graph refuses removals in the first five minutes, so that it is still being resealed.
    const again = await reseal('breakglass', 'kill', active.event, '--as', 'bob');
    expect(again).toMatchObject({ status: 0 });
    expect(again.stderr).toMatch(/already being resealed: kill by erin, begun .* \(.*\d\d:\d\d CES?T\)\. Nothing more/);
  });

  it("tells times by each ceremony's own clock, which may be virtual here", async () => {
    const { event } = await stack.activate();
    const advanced = await reseal('dev', 'advance', event, '10m');
    expect(advanced.stdout).toMatch(
      / is 10m further: it is (\d{4}-\d\d-\d\d )?\d\d:\d\d CES?T, 1\d min ahead of here\n$/,
    );
    const { stdout } = await reseal('status', '--as', 'alice');
    expect(stdout).toMatch(new RegExp(`^ +close +${event} .*, ends in (19|20) min`, 'm'));
    const list = await reseal('breakglass', 'list', '--open');
    expect(list.stdout).toMatch(new RegExp(`^${event} .* 1\\d min ago +in (19|20) min`, 'm'));
  });

  it('Ctrl-C ends the waiting, says that the ceremony goes on, and exits 130 where nothing is at stake', async () => {
    const { event } = await stack.ask();
    const watching = ResealProcess.spawn(['breakglass', 'watch', event], folder);
    await expect.poll(() => watching.stdout, { timeout: 30_000 }).toContain('awaiting_approval');
    expect(await watching.end('SIGINT')).toBe(130);
    expect(watching.stderr).toContain('the ceremony goes on without you');
    expect(watching.stderr).toContain(`next: reseal breakglass watch ${event}`);
  });
});

const missing = tmux ? '' : ' (skipped: tmux is not installed)';
describe.skipIf(!tmux)(`in a real terminal${missing}`, () => {
  let pane: TmuxPane;
  beforeEach(async () => {
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, TZ: 'Europe/Berlin', PS1: '$ ' };
    pane = await TmuxPane.open({ command: 'bash --norc', cwd: folder, env, columns: 110, rows: 50 });
  });
  afterEach(async () => {
    await pane.close();
  });
  const enter = async (text: string): Promise<void> => {
    await pane.type(text);
    await pane.press('Enter');
  };
  /** Runs a command on a clean screen; its exit status is printed at its end. */
  const start = async (command: string): Promise<void> => {
    await enter(`clear; tmux clear-history; ${command}; echo "status $?"`);
  };

  it('asks for everything that is missing, and a person can correct themselves', async () => {
    await start('reseal breakglass');
    await pane.until(/who acts \(1 to \d+, or its name\):$/m);
    await enter('alice');
    await pane.until(/profile \(1 to \d+, or its name\):$/m);
    await enter('p5O');
    await pane.until(/"p5O" is none of them\. Did you mean .*p50/);
    await enter('p50');
    await pane.until(/reason code \(1 to 5, or its name\):$/m);
    await enter('1');
    await pane.until(/why\? .*:$/m);
    await enter('Phishing wave: purge the mail');
    await pane.until(/for how long, at most 4 h \[30m\]:$/m);
    await enter('');
    const screen = await pane.until(/^status 0$/m);
    expect(screen).toMatch(/^why +incident: Phishing wave: purge the mail$/m);
    expect(screen).toMatch(/^approve by +in (29|30) min.* \(.*\d\d:\d\d CES?T\)$/m);
  });

  it('shows an approval, asks, and takes no for an answer; then the same by yes', async () => {
    await start('reseal approve --as bob');
    await pane.until(/which ceremony \(1/);
    await enter('1');
    await pane.until(/approve this as bob@corp\.example\? \[y\/N\]$/m);
    await enter('n');
    await pane.until(/^nothing was signed\nstatus 4$/m);
    await start('reseal approve --as bob');
    await pane.until(/which ceremony \(1/);
    await enter('1');
    await pane.until(/\[y\/N\]$/m);
    await enter('y');
    expect(await pane.until(/^status 0$/m)).toContain('awaiting_approval  1 of 2 approvals');
  });

  it('draws a watched list again in place, one updating line for a wait, and ends at Ctrl-C', async () => {
    await start('reseal status --as carol --watch');
    await pane.until(/every 2 s; Ctrl-C ends$/m);
    const one = await stack.ask();
    const screen = await pane.until(new RegExp(`approve  ${one.event}`));
    expect(screen.match(/^waiting for carol@corp\.example$/gm)).toHaveLength(1);
    await pane.press('C-c');
    await pane.until(/^status 130$/m);
    await start(`reseal breakglass watch ${one.event}`);
    await pane.until(/^awaiting_approval, 0 of 2 approvals; Ctrl-C stops watching, the ceremony goes on \(\d+ s\)$/m);
    await pane.press('C-c');
    const left = await pane.until(/^status 130$/m);
    expect(left).not.toContain('0 of 2 approvals; Ctrl-C stops');
    expect(left).toContain('the ceremony goes on without you');
  });

  it('asks before a kill, and sends nothing at Ctrl-C', async () => {
    const { event } = await stack.ask();
    await start(`reseal breakglass kill ${event} --as erin`);
    await pane.until(/kill [0-9a-f]{16} as erin@corp\.example\? \[y\/N\]$/m);
    await pane.press('C-c');
    expect(await pane.until(/^status 130$/m)).toContain('interrupted: nothing was sent');
    const { stdout } = await reseal('breakglass', 'check', event, '-o', 'json');
    expect((JSON.parse(stdout) as CeremonyView).state).toBe('awaiting_approval');
    await start(`reseal breakglass kill ${event} --as erin`);
    await pane.until(/\[y\/N\]$/m);
    await enter('y');
    await pane.until(/^status 0$/m);
  });
});
