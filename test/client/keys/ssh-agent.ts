import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { sshString } from '../../../proofs/ssh-wire.js';

/** OpenSSH's own agent, on a socket in `folder`. */
export class RealAgent {
  private constructor(
    readonly socket: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(folder: string): Promise<RealAgent> {
    const socket = join(folder, 'agent.sock');
    const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const failed = new Promise<never>((_resolve, reject) => {
      child.on('error', () => {
        reject(new Error('these tests need ssh-agent: install openssh-client (apt-get install openssh-client)'));
      });
    });
    const listening = (async () => {
      for (let wait = 0; wait < 200 && !existsSync(socket); wait += 1) await sleep(25);
    })();
    await Promise.race([listening, failed]);
    return new RealAgent(socket, child);
  }

  /** `ssh-add`; a passphrase is answered by a script, since there is no terminal. */
  add(path: string, askpass?: string): void {
    const answer = askpass === undefined ? {} : { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
    execFileSync('ssh-add', ['-q', path], { env: { ...process.env, ...answer, SSH_AUTH_SOCK: this.socket } });
  }

  remove(path: string): void {
    execFileSync('ssh-add', ['-q', '-d', path], { env: { ...process.env, SSH_AUTH_SOCK: this.socket } });
  }

  stop(): void {
    this.child.kill();
  }
}

/** A server on an agent's socket that answers as it likes: `undefined` means never, `null` hangs up. */
export class FakeAgent {
  private constructor(
    readonly socket: string,
    private readonly server: Server,
  ) {}

  static async start(
    folder: string,
    name: string,
    answer: (request: Buffer) => Buffer | null | undefined,
  ): Promise<FakeAgent> {
    const socket = join(folder, `${name}.sock`);
    const server = createServer((connection) => {
      connection.on('error', () => undefined);
      connection.on('data', (chunk) => {
        const reply = answer(chunk.subarray(4));
        if (reply === null) connection.destroy();
        else if (reply !== undefined) {
          // In two pieces, as a stream may deliver it.
          connection.write(reply.subarray(0, 3));
          setImmediate(() => connection.write(reply.subarray(3)));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    return new FakeAgent(socket, server);
  }

  static framed(...parts: Buffer[]): Buffer {
    return sshString(Buffer.concat(parts));
  }

  stop(): void {
    this.server.close();
  }
}
