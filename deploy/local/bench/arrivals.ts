import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '../stack/start-stack.js';

const CHANNEL = 'http.server.request.start';

interface Call {
  seq: number;
  action: string | null;
  validation_only: boolean;
  client_request_id: string | null;
  code: string | null;
}

/**
 * When requests reach the simulator, on this process's own clock (the simulator records the time of its tenant, which is
 * the caller's): noted as Node's HTTP server begins with them, and told apart by the simulator's own record.
 */
export class Arrivals {
  private readonly at = new Map<string, number>();

  constructor(private readonly stack: Stack) {
    subscribe(CHANNEL, this.note);
  }

  stop(): void {
    unsubscribe(CHANNEL, this.note);
  }

  /** How many removals the simulator has on record for a tenant. */
  async removals(tenant: string): Promise<number> {
    return (await this.removalsOf(tenant)).length;
  }

  /** Waits for the removal after the first `known` ones and resolves with the time of its arrival, performance.now(). */
  async removalAfter(
    known: number,
    tenant: string,
    withinMs: number,
    everyMs = 20,
  ): Promise<{ at: number; code: string | null }> {
    const giveUpAt = Date.now() + withinMs;
    for (;;) {
      const call = (await this.removalsOf(tenant))[known];
      const at = this.at.get(call?.client_request_id ?? '');
      if (call !== undefined && at !== undefined) return { at, code: call.code };
      if (Date.now() > giveUpAt) throw new Error(`no removal reached the simulator within ${withinMs} ms`);
      await sleep(everyMs);
    }
  }

  /** Waits for the first request to grant, the dry run included, and resolves with the time of its arrival, performance.now(). */
  async grantAt(tenant: string, withinMs: number, everyMs = 20): Promise<number> {
    const giveUpAt = Date.now() + withinMs;
    for (;;) {
      const [call] = await this.callsOf(tenant, (one) => one.action === 'adminAssign');
      const at = this.at.get(call?.client_request_id ?? '');
      if (at !== undefined) return at;
      if (Date.now() > giveUpAt) throw new Error(`no grant reached the simulator within ${withinMs} ms`);
      await sleep(everyMs);
    }
  }

  private readonly note = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage };
    const id = request.headers['client-request-id'];
    if (request.method === 'POST' && typeof id === 'string') this.at.set(id, performance.now());
  };

  private removalsOf(tenant: string): Promise<Call[]> {
    return this.callsOf(tenant, ({ action, validation_only }) => action === 'adminRemove' && !validation_only);
  }

  private async callsOf(tenant: string, which: (call: Call) => boolean): Promise<Call[]> {
    const answer = await fetch(`${this.stack.dev.graph_control_url}/truth?tenant=${tenant}`);
    const { calls } = (await answer.json()) as { calls: Call[] };
    return calls.filter(which);
  }
}
