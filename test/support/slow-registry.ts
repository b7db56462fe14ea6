import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { SignedKind } from '../../domain/signed-documents.js';
import type { ContractRegistry } from '../../proofs/contract-registry.js';

const KINDS: Readonly<Record<string, SignedKind>> = {
  contracts: 'contract',
  rosters: 'roster',
  revocations: 'revocations',
};

/** How it answers: at once, a byte at a time without ever coming to an end, or not at all. */
export type Pace = 'prompt' | 'dribbles' | 'hangs';

/** A real registry at an address that shows what another one has, at whatever pace each kind of document is told to have. */
export class SlowRegistry {
  readonly pace: Record<SignedKind, Pace> = { contract: 'prompt', roster: 'prompt', revocations: 'prompt' };
  /** The paths that were asked for, in their order. */
  readonly asked: string[] = [];
  private readonly server = createServer((request, response) => {
    response.on('error', () => undefined);
    const path = request.url ?? '';
    this.asked.push(path);
    void this.answer(path, response);
  });

  private constructor(private readonly honest: ContractRegistry) {}

  static async start(honest: ContractRegistry): Promise<SlowRegistry> {
    const registry = new SlowRegistry(honest);
    registry.server.listen(0, '127.0.0.1');
    await once(registry.server, 'listening');
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  all(pace: Pace): void {
    for (const kind of Object.values(KINDS)) this.pace[kind] = pace;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(path: string, response: ServerResponse): Promise<void> {
    const [, , place = '', name] = path.split('/');
    const kind = KINDS[place];
    if (kind === undefined) return void response.writeHead(404).end();
    if (this.pace[kind] === 'hangs') return;
    if (this.pace[kind] === 'dribbles') {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
      return;
    }
    const shown = name === undefined ? { names: await this.honest.list(kind) } : await this.honest.fetch(kind, name);
    if (shown === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(shown));
  }
}
