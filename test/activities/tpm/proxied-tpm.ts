import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a proxy does with a command: answers it itself, lets it pass (undefined), or drops the connection (null). */
export type Interfere = (
  code: number,
  upstream: (command: Buffer) => Promise<Buffer>,
) => Promise<Buffer | undefined | null> | Buffer | undefined | null;

/** A response that is nothing but a TPM_RC. */
export const answerOf = (rc: number): Buffer => {
  const response = Buffer.from('80010000000a00000000', 'hex');
  response.writeUInt32BE(rc, 6);
  return response;
};

/** Stands between a caller and a real TPM, and interferes. */
export class ProxiedTpm {
  /** Codes of all commands that came, in order. */
  readonly seen: number[] = [];
  interfere: Interfere = () => undefined;
  /** Where the last answer to each code is kept while it is set. */
  kept: Map<number, Buffer> | undefined;
  private readonly clients = new Set<Socket>();

  private constructor(
    readonly socket: string,
    private readonly server: Server,
    private readonly folder: string,
  ) {}

  static async start(upstream: string): Promise<ProxiedTpm> {
    const folder = await mkdtemp(join(tmpdir(), 'reseal-tpm-proxy-'));
    const server = createServer();
    const proxy = new ProxiedTpm(join(folder, 's'), server, folder);
    server.on('connection', (client) => {
      let opened: Promise<Socket> | undefined;
      const ask = async (command: Buffer): Promise<Buffer> => {
        const tpm = await (opened ??= connected(upstream));
        return new Promise((resolve) => {
          tpm.once('data', resolve);
          tpm.write(command);
        });
      };
      proxy.clients.add(client);
      client.on('error', () => undefined);
      client.on('close', () => {
        proxy.clients.delete(client);
        void opened?.then((tpm) => tpm.destroy());
      });
      client.on('data', (command) => {
        const code = command.readUInt32BE(6);
        proxy.seen.push(code);
        void (async () => {
          const answer = await proxy.interfere(code, ask);
          if (answer === null) return client.destroy();
          const said = answer ?? (await ask(command));
          proxy.kept?.set(code, said);
          client.write(said);
        })();
      });
    });
    await new Promise<void>((resolve) => server.listen(proxy.socket, resolve));
    return proxy;
  }

  /** Cuts all connections, as the end of the process that had them does. */
  drop(): void {
    for (const client of this.clients) client.destroy();
  }

  async stop(): Promise<void> {
    this.drop();
    this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** swtpm serves one connection, and lets hardly any wait: a moment later it has noticed that the last one is gone. */
async function connected(path: string): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    const error = await new Promise<Error | null>((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('error', resolve);
    });
    socket.on('error', () => undefined);
    if (error === null) return socket;
    await sleep(20);
  }
}
