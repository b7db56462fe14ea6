import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { compiledPath } from '../../../workers/compiled.js';
import { pageSize, terminalPage } from './ansi-html.js';
import { firstCeremony } from './newcomer.js';
import { hasTmux, TmuxPane } from './tmux-pane.js';

const run = promisify(execFile);
const RESEAL = fileURLToPath(new URL('../bin/reseal.js', `file://${compiledPath('')}`));

/** What can be recorded, and the width of its terminal. */
const SESSIONS = { ceremony: { columns: 112, play: playCeremony }, demo: { columns: 132, play: playDemo } } as const;
/** The line with which the demo's second act begins: it has a picture of its own. */
const SECOND_ACT = 'A machine that has to prove itself';

interface Place {
  folder: string;
  work: string;
  columns: number;
}

/**
 * Records a terminal, `--of ceremony` (a newcomer's first one) or `--of demo`: the transcript, and with `--out FILE.png` its
 * picture, drawn by Chromium; the demo's second act goes to `FILE-recovery.png`. docs/images is made by it.
 */
async function record(): Promise<number> {
  const { of, out } = parseArgs({ options: { of: { type: 'string' }, out: { type: 'string' } } }).values;
  if (of !== undefined && of !== 'ceremony' && of !== 'demo') {
    process.stderr.write(`--of: "${of}" is none: it is ceremony or demo\n`);
    return 2;
  }
  if (!(await hasTmux())) {
    process.stderr.write('tmux is missing (Debian and Ubuntu: sudo apt-get install tmux)\n');
    return 1;
  }
  const { columns, play } = SESSIONS[of ?? 'ceremony'];
  const folder = await mkdtemp(path.join(tmpdir(), 'reseal-session-'));
  try {
    const work = path.join(folder, 'work');
    await mkdir(work);
    const screen = await play({ folder, work, columns });
    process.stdout.write(screen);
    if (out === undefined) return 0;
    const lines = screen.split('\n');
    const second = lines.findIndex((line) => line.includes(SECOND_ACT));
    const picture = path.resolve(out);
    await draw(lines.slice(0, second < 0 ? undefined : second).join('\n'), { out: picture, folder, columns });
    if (second >= 0) {
      const { dir, name, ext } = path.parse(picture);
      const beside = path.join(dir, `${name}-recovery${ext}`);
      await draw(lines.slice(second).join('\n'), { out: beside, folder, columns });
    }
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function playDemo({ work, columns }: Place): Promise<string> {
  const demo = compiledPath('deploy/local/demo/main.js');
  const command = `${process.execPath} ${demo}; sleep 600`;
  const env = { PATH: process.env.PATH ?? '', TZ: 'UTC' };
  const pane = await TmuxPane.open({ command, cwd: work, env, columns, rows: 60 });
  try {
    const plain = await pane.until(/^\{"ok":/m, 300_000);
    if (!plain.includes('{"ok":true')) throw new Error(`the demo failed:\n${plain}`);
    const screen = await pane.screen({ colours: true, history: true });
    return screen.slice(0, screen.search(/[^\n]*The first history in Temporal's Web UI/)).trim() + '\n';
  } finally {
    await pane.close();
  }
}

async function playCeremony({ folder, work, columns }: Place): Promise<string> {
  const bin = path.join(folder, 'bin', 'reseal');
  await mkdir(path.dirname(bin));
  await writeFile(bin, `#!/bin/sh\nexec "${process.execPath}" "${RESEAL}" "$@"\n`, { mode: 0o755 });
  const env = { PATH: `${path.dirname(bin)}:${process.env.PATH ?? ''}`, TZ: 'Europe/Berlin' };
  const shell = { command: 'bash --norc --noprofile', cwd: work, env, columns };
  const dev = await TmuxPane.open(shell);
  const person = await TmuxPane.open({ ...shell, rows: 60 });
  try {
    for (const pane of [dev, person]) {
      await pane.type("PS1='$ \\[\\e[36m\\]' PS0='\\e[0m'; clear; tmux clear-history");
      await pane.press('Enter');
    }
    const ports = ['gateway', 'temporal', 'ui', 'graph', 'inbox'].map((name) => `--${name}-port 0`).join(' ');
    await dev.type(`reseal dev --ephemeral ${ports}`);
    await dev.press('Enter');
    await dev.until(/^ready$/m, 180_000);
    await firstCeremony(person);
    return (await person.screen({ colours: true, history: true })).replace(/\n[^\n]*\$ *\n$/, '\n');
  } finally {
    await person.close();
    await dev.press('C-c');
    await dev.until(/\n\$\n$/, 60_000).catch(() => undefined);
    await dev.close();
  }
}

async function draw(
  screen: string,
  { out, folder, columns }: { out: string; folder: string; columns: number },
): Promise<void> {
  const page = path.join(folder, 'session.html');
  await writeFile(page, terminalPage(screen, { title: 'A terminal' }));
  const { width, height } = pageSize(screen, columns);
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--force-device-scale-factor=1'];
  await run('chromium', [...flags, `--window-size=${width},${height}`, `--screenshot=${out}`, `file://${page}`]);
  process.stderr.write(`drew ${out}\n`);
}

process.exitCode = await record();
