interface Truth {
  assignments: {
    principal_id: string;
    role_definition_id: string;
    ends_at: string | null;
    ticket_number: string | null;
  }[];
  sessions_revoked: unknown[];
  calls: { action: string | null; validation_only: boolean }[];
}

/** What the demo does to the simulated directory, and what it asks it at the end. */
export class DemoGraph {
  constructor(
    private readonly control: string,
    private readonly tenant: string,
  ) {}

  async standing(): Promise<Truth['assignments']> {
    return (await this.truth()).assignments;
  }

  async sessionsEnded(): Promise<number> {
    return (await this.truth()).sessions_revoked.length;
  }

  /** The writes of one kind that reached the directory, dry runs apart. */
  async calls(action: string): Promise<Truth['calls']> {
    return (await this.truth()).calls.filter((call) => call.action === action && !call.validation_only);
  }

  fault(fault: Record<string, unknown>): Promise<void> {
    return this.post('/faults', { times: 1, tenant: this.tenant, ...fault });
  }

  lag(ms: number): Promise<void> {
    return this.post('/lag', { ms, tenant: this.tenant });
  }

  private async truth(): Promise<Truth> {
    return (await (await fetch(`${this.control}/truth?tenant=${this.tenant}`)).json()) as Truth;
  }

  private async post(path: string, body: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(this.control + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the simulator refused ${path}: ${await answer.text()}`);
  }
}
