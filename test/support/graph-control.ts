import { setTimeout as sleep } from 'node:timers/promises';

export interface Truth {
  now: string;
  assignments: {
    principal_id: string;
    role_definition_id: string;
    directory_scope_id: string;
    starts_at: string | null;
    ends_at: string | null;
    ticket_number: string | null;
  }[];
  sessions_revoked: { principal_id: string; at: string }[];
  calls: {
    at: string;
    method: string;
    path: string;
    status: number | null;
    /** The status of a call that took effect and was not answered. */
    unanswered_status: number | null;
    client_request_id: string;
    action: string | null;
    validation_only: boolean;
  }[];
}

/** The simulator's control port: what really stands, and what goes wrong. */
export class GraphControl {
  constructor(private readonly url: string) {}

  async truth(tenant: string): Promise<Truth> {
    return (await (await fetch(`${this.url}/truth?tenant=${tenant}`)).json()) as Truth;
  }

  fault(body: Record<string, unknown>): Promise<void> {
    return this.post('/faults', {
      method: 'POST',
      path: '/roleManagement/directory/roleAssignmentScheduleRequests',
      times: 1,
      ...body,
    });
  }

  lag(tenant: string, ms: number): Promise<void> {
    return this.post('/lag', { tenant, ms });
  }

  assignment(body: Record<string, unknown>): Promise<void> {
    return this.post('/assignments', body);
  }

  /** Resolves when every fault set for this tenant has met its request: a delayed one is under way from then on. */
  async untilMet(tenant: string, withinMs = 30_000): Promise<void> {
    const giveUpAt = Date.now() + withinMs;
    for (;;) {
      const answer = (await (await fetch(`${this.url}/faults`)).json()) as { faults: { tenant: string | null }[] };
      if (!answer.faults.some((fault) => fault.tenant === tenant)) return;
      if (Date.now() > giveUpAt) throw new Error(`no request met the fault of ${tenant} within ${withinMs} ms`);
      await sleep(50);
    }
  }

  /** Resolves when exactly so many assignments stand, whatever any read may show. */
  async untilStanding(tenant: string, count: number, withinMs = 30_000): Promise<void> {
    for (const giveUpAt = Date.now() + withinMs; Date.now() < giveUpAt; await sleep(50)) {
      if ((await this.truth(tenant)).assignments.length === count) return;
    }
    throw new Error(`not ${count} assignments in ${tenant} within ${withinMs} ms`);
  }

  async clearFaults(tenant: string): Promise<void> {
    await fetch(`${this.url}/faults?tenant=${tenant}`, { method: 'DELETE' });
  }

  async post(path: string, body: unknown): Promise<void> {
    const answer = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }
}
