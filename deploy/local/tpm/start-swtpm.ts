import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { spawnGroup, type ChildGroup } from '../temporal/child-group.js';
import { writePidFile } from '../temporal/pid-file.js';

const run = promisify(execFile);
const READY_MS = 30_000;
/** A command, and the Debian package that has it. */
const NEEDED = {
  swtpm: 'swtpm',
  swtpm_ioctl: 'swtpm-tools',
  swtpm_setup: 'swtpm-tools',
  tpm2_quote: 'tpm2-tools',
} as const;

/** Why no emulated TPM can be started here, or null when one can. */
export function swtpmMissing(): string | null {
  const [missing] = Object.entries(NEEDED).filter(([command]) => spawnSync(command, ['--version']).error !== undefined);
  return missing === undefined ? null : `${missing[0]} is not installed: apt-get install ${missing[1]}`;
}

/** A TPM 2.0 in software, for tests and the demo: everything about it but its hardware is a TPM's. */
export interface SoftwareTpm {
  /** UNIX socket that takes raw TPM commands, as `/dev/tpmrm0` does. */
  socket: string;
  /** For `TPM2TOOLS_TCTI`. */
  tcti: string;
  /** A folder of its own for keys and quotes, which goes with it. */
  folder: string;
  /** Runs one of the tpm2-tools against it, in its folder; answers standard output. Rejects when the tool fails. */
  tool(name: string, ...args: string[]): Promise<string>;
  /** Takes the power away and gives it back: nothing is told to the TPM before. */
  powerCycle(): Promise<void>;
  /** PEM files of who certified its endorsement key at 0x81010001, where it was asked for: the root, and what is between. */
  vendor: { root: string; between: string };
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/**
 * Starts one with `TPM2_Startup(CLEAR)` done, in a new folder. With `certified` it comes from a vendor of its own: an
 * endorsement key at 0x81010001, and its certificate in the TPM. `pidFile` is where its process is recorded while it runs,
 * for `stopLeftover` after a parent that was killed.
 */
export async function startSwtpm({
  certified = false,
  pidFile,
}: { certified?: boolean; pidFile?: string } = {}): Promise<SoftwareTpm> {
  const reason = swtpmMissing();
  if (reason !== null) throw new Error(reason);
  // Paths of UNIX sockets are short.
  const base = await mkdtemp(join(tmpdir(), 'reseal-swtpm-'));
  const [state, folder, socket, control] = [
    join(base, 'nv'),
    join(base, 'keys'),
    join(base, 's'),
    join(base, 's.ctrl'),
  ];
  await Promise.all([mkdir(state), mkdir(folder)]);
  const vendor = { root: join(base, 'swtpm-localca-rootca-cert.pem'), between: join(base, 'issuercert.pem') };
  if (certified) await manufacture(base, state);
  const flags = ['--flags', 'not-need-init,startup-clear'];
  const at = ['--server', `type=unixio,path=${socket}`, '--ctrl', `type=unixio,path=${control}`];
  const child = await spawnGroup('swtpm', ['socket', '--tpm2', '--tpmstate', `dir=${state}`, ...at, ...flags], {
    logPath: join(base, 'log'),
  });
  if (pidFile !== undefined) await writePidFile(pidFile, child.pid, 'swtpm');
  const tcti = `swtpm:path=${socket}`;
  const tool = async (name: string, ...args: string[]): Promise<string> => {
    const { stdout } = await run(name, args, { cwd: folder, env: { ...process.env, TPM2TOOLS_TCTI: tcti } });
    return stdout;
  };
  await untilReady(child, socket, join(base, 'log'));
  return {
    socket,
    tcti,
    folder,
    vendor,
    tool,
    powerCycle: async () => void (await run('swtpm_ioctl', ['--unix', control, '-i'])),
    stop: async () => {
      await child.stop();
      if (pidFile !== undefined) await rm(pidFile, { force: true });
      await rm(base, { recursive: true, force: true });
    },
  };
}

/** What swtpm's own tools do for a virtual machine, with an authority that lies in `base`. */
async function manufacture(base: string, state: string): Promise<void> {
  const file = async (name: string, ...lines: string[]): Promise<string> => {
    await writeFile(join(base, name), `${lines.join('\n')}\n`);
    return join(base, name);
  };
  const at = (name: string): string => join(base, name);
  const authority = await file(
    'localca.conf',
    `statedir = ${base}`,
    `signingkey = ${at('signkey.pem')}`,
    `issuercert = ${at('issuercert.pem')}`,
    `certserial = ${at('certserial')}`,
  );
  const options = await file(
    'localca.options',
    '--platform-manufacturer Reseal',
    '--platform-version 1',
    '--platform-model Test',
  );
  const setup = await file(
    'setup.conf',
    // It wants to know where.
    `create_certs_tool=${(await run('sh', ['-c', 'command -v swtpm_localca'])).stdout.trim()}`,
    `create_certs_tool_config=${authority}`,
    `create_certs_tool_options=${options}`,
  );
  const what = ['--tpm2', '--tpmstate', state, '--create-ek-cert', '--config', setup, '--overwrite'];
  await run('swtpm_setup', what, { env: { ...process.env, XDG_CONFIG_HOME: base } });
}

async function untilReady(child: ChildGroup, socket: string, log: string): Promise<void> {
  const until = Date.now() + READY_MS;
  while (!(await takesConnections(socket))) {
    if (child.ended() !== null) throw new Error(`swtpm ended at once: see ${log}`);
    if (Date.now() > until) throw new Error(`swtpm did not come up within ${READY_MS / 1000} s: see ${log}`);
    await sleep(20);
  }
}

const takesConnections = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
