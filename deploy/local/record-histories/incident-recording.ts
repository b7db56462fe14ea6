import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fileSigner } from '../../../client/keys/file-signer.js';
import { ATTEST_SCHEDULE_ID } from '../../../domain/incidents/attestation-report.js';
import type { IncidentClass } from '../../../domain/incidents/classes.js';
import { incidentWorkflowId } from '../../../domain/incidents/incident-id.js';
import type { IncidentView } from '../../../domain/incidents/view.js';
import { instant } from '../../../domain/identifiers.js';
import { STATEMENT_DOMAIN } from '../../../domain/statement.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import type { SimulatedHost } from '../host/start-host.js';
import type { Stack } from '../stack/start-stack.js';
import { fetchHistory } from './fetch-history.js';

const RESEAL = fileURLToPath(new URL('../../../../bin/reseal.js', import.meta.url));
/** What a running system may put back, besides what its firmware measures. */
export const DRIFTING = 23;

/** One incident that is acted out, in real time, to record its history; bob answers for it. */
export class IncidentRecording {
  private id = '';

  constructor(
    readonly stack: Stack,
    private readonly dir: string,
  ) {}

  get host(): SimulatedHost {
    if (this.stack.host === null) throw new Error('this stack has no host');
    return this.stack.host;
  }

  /** Writes down what the host's TPM should say; once is enough for all incidents. */
  async enrol(): Promise<void> {
    const { urls, files, name } = this.host;
    const where = ['--references', this.stack.layout.references, '--select', `sha256:0,2,4,7,${DRIFTING}`];
    const known = ['--label', 'as installed', '--without-certificate', '--yes', '--as', 'bob'];
    const line = ['tpm', 'enroll', name, urls.attest_agent, '--token-file', files.attestToken, ...where, ...known];
    await promisify(execFile)(process.execPath, [RESEAL, ...line], { cwd: this.dir });
  }

  async report(incidentClass: IncidentClass, times = 1): Promise<void> {
    const event = {
      class: incidentClass,
      source: 'recorder',
      description: 'Recorded, to be replayed by later versions',
    };
    for (let time = 0; time < times; time += 1)
      this.id = (await this.post<{ incident_id: string }>('/v1/incidents', event)).incident_id;
  }

  /** Has the schedule attest the host, and takes up the incident that it opens; answers the round's history. */
  async attestedBySchedule(): Promise<string> {
    const schedule = this.stack.client.schedule.getHandle(ATTEST_SCHEDULE_ID);
    await schedule.trigger();
    for (;;) {
      const { info } = await schedule.describe();
      const round = info.recentActions.at(-1)?.action.workflow.workflowId;
      if (round !== undefined) {
        await this.stack.client.workflow.getHandle(round).result();
        const answer = await fetch(`${this.stack.dev.gateway_url}/v1/incidents?class=attestation_failure`);
        const [first] = ((await answer.json()) as { incidents: { view: IncidentView }[] }).incidents;
        if (first !== undefined) {
          this.id = first.view.id;
          return this.history(round);
        }
      }
      await sleep(500);
    }
  }

  control = (at: string, body: object): Promise<unknown> => this.send(this.host.controlUrl + at, body);

  async until(holds: (view: IncidentView) => boolean): Promise<IncidentView> {
    for (;;) {
      const answer = await fetch(`${this.stack.dev.gateway_url}/v1/incidents/${this.id}`);
      const { view } = (await answer.json()) as { view?: IncidentView };
      if (view !== undefined && holds(view)) return view;
      await sleep(500);
    }
  }

  /** Contained and bound, and with `quoted` its first quote taken. */
  bound = (quoted = false): Promise<IncidentView> =>
    this.until(
      ({ containment_binding, attestation }) => containment_binding !== null && (!quoted || attestation.at !== null),
    );

  async attest(to: 'passed' | 'refused'): Promise<void> {
    const { attestation } = await this.bound();
    await this.post(`/v1/incidents/${this.id}/reattest`, {});
    await this.until(({ attestation: now }) => now.attempt > attestation.attempt && now.state === to);
  }

  /** bob signs for what stands, and it counts for so long. */
  async say(act: 'acknowledge' | 'resolve', lifeMs = 600_000): Promise<void> {
    const { id, containment_binding } = await this.bound();
    const bob = this.stack.dev.identities.find(({ upn }) => upn.startsWith('bob@'));
    const signer = await fileSigner(bob?.key_path ?? '');
    const now = Date.now();
    const payload = canonicalJson({
      ...{ domain: STATEMENT_DOMAIN, act, incident_id: id, containment_binding, person: 'bob' },
      ...{ issued_at: instant(now), not_after: instant(now + lifeMs) },
    });
    const signature = await signer.sign(Buffer.from(payload), STATEMENT_DOMAIN);
    await this.post(`/v1/incidents/${id}/statements`, { payload, signature });
    if (act === 'acknowledge') await this.until(({ acknowledgements }) => acknowledgements.length > 0);
  }

  /** Waits for the end, and answers the history. */
  async ended(): Promise<string> {
    const workflowId = incidentWorkflowId(this.id);
    await this.stack.client.workflow.getHandle(workflowId).result();
    return this.history(workflowId);
  }

  private history(workflowId: string): Promise<string> {
    return fetchHistory(this.stack.connection, this.stack.dev.temporal_namespace, { workflowId });
  }

  private post = <T>(at: string, body: object): Promise<T> =>
    this.send(this.stack.dev.gateway_url + at, body) as Promise<T>;

  private async send(url: string, body: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
