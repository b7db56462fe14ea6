import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { compiledPath } from '../../../workers/compiled.js';
import { pageSize, terminalPage } from './ansi-html.js';
import { firstCeremony } from './newcomer.js';
import { hasTmux, TmuxPane } from './tmux-pane.js';

const run = promisify(execFile);
const COLUMNS = 112;
const RESEAL = fileURLToPath(new URL('../bin/reseal.js', `file://${compiledPath('')}`));

/** Records a newcomer's terminal: the transcript, and with `--out FILE.png` its picture, drawn by Chromium. */
async function record(): Promise<number> {
  const { values } = parseArgs({ options: { out: { type: 'string' } } });
  if (!(await hasTmux())) {
    process.stderr.write('tmux is missing (Debian and Ubuntu: sudo apt-get install tmux)\n');
    return 1;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'reseal-session-'));
  const bin = path.join(folder, 'bin', 'reseal');
  const work = path.join(folder, 'work');
  await run('mkdir', ['-p', path.dirname(bin), work]);
  await writeFile(bin, `#!/bin/sh\nexec "${process.execPath}" "${RESEAL}" "$@"\n`, { mode: 0o755 });
  const env = { PATH: `${path.dirname(bin)}:${process.env.PATH ?? ''}`, TZ: 'Europe/Berlin' };
  const shell = { command: 'bash --norc --noprofile', cwd: work, env, columns: COLUMNS };
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
    const screen = (await person.screen({ colours: true, history: true })).replace(/\n[^\n]*\$ *\n$/, '\n');
    process.stdout.write(screen);
    if (values.out !== undefined) await draw(screen, path.resolve(values.out), folder);
    return 0;
  } finally {
    await person.close();
    await dev.press('C-c');
    await dev.until(/\n\$\n$/, 60_000).catch(() => undefined);
    await dev.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function draw(screen: string, out: string, folder: string): Promise<void> {
  const page = path.join(folder, 'session.html');
  await writeFile(page, terminalPage(screen, { title: 'A first ceremony' }));
  const { width, height } = pageSize(screen, COLUMNS);
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--force-device-scale-factor=1'];
  await run('chromium', [...flags, `--window-size=${width},${height}`, `--screenshot=${out}`, `file://${page}`]);
  process.stderr.write(`drew ${out}\n`);
}

process.exitCode = await record();
