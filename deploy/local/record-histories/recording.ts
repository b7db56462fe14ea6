import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpApi } from '../../../client/api/http-api.js';
import { fileSigner } from '../../../client/keys/file-signer.js';
import { signAct, signRequest, signReview, type ActRound } from '../../../client/cli/signed-statement.js';
import { ceremonyWorkflowId, instant, resealWorkflowId, reviewWorkflowId } from '../../../domain/identifiers.js';
import type { Request } from '../../../domain/request.js';
import { TASK_QUEUES } from '../../../domain/roles.js';
import type { SignalAct, SignedStatement } from '../../../domain/statement.js';
import type { CeremonyView } from '../../../domain/view.js';
import { digestOf, sha256Hex } from '../../../proofs/canonical-json.js';
import { signReceipt } from '../../../proofs/receipt.js';
import { readRoleKey, roleKeyPath } from '../../../workers/role-keys.js';
import type { Stack } from '../stack/start-stack.js';
import { fetchHistory } from './fetch-history.js';
import { CROWD, profileOf, ROLE, tenantOf } from '../stack/crowd.js';

/** One ceremony that is acted out, in real time, to record its history. */
export class Recording {
  readonly event = randomBytes(8).toString('hex');
  readonly tenant: string;
  readonly workflowId = ceremonyWorkflowId(this.event);
  readonly resealId = resealWorkflowId(this.event);
  private readonly api: HttpApi;
  private about: { event_id: string; request_digest: string; policy_digest: string } | undefined;

  constructor(
    readonly stack: Stack,
    private readonly index: number,
  ) {
    this.tenant = tenantOf(index);
    this.api = new HttpApi({ url: stack.dev.gateway_url });
  }

  /** alice asks for herself. `maxEvents` makes the ceremony continue as new early. */
  async ask(maxEvents?: number): Promise<void> {
    const { digest } = await this.api.policy();
    const { object_id, upn } = CROWD[0]!;
    const request: Request = {
      event_id: this.event,
      profile: profileOf(this.index),
      reason_code: 'incident',
      justification: 'Recorded in real time, to be replayed by later versions',
      ticket: 'INC-1',
      duration_seconds: 600,
      invoker: { person: 'alice', upn },
      principal: { object_id, upn },
      effect: {
        kind: 'entra.directory_role',
        tenant_id: this.tenant,
        role_template_id: ROLE.template_id,
        role_name: ROLE.name,
        directory_scope_id: '/',
        end_sessions: true,
      },
      policy_digest: digest,
      requested_at: instant(Date.now()),
    };
    this.about = { event_id: this.event, request_digest: digestOf(request), policy_digest: digest };
    const envelope = await signRequest(await this.actor('alice'), request, validity());
    if (maxEvents === undefined) await this.api.open(envelope, this.event);
    else {
      await this.stack.client.workflow.start('breakGlass', {
        workflowId: this.workflowId,
        taskQueue: TASK_QUEUES.ceremonies,
        args: [{ event_id: this.event, envelope, max_events: maxEvents }],
      });
    }
    await this.until((view) => view.state !== 'requested');
  }

  async act(person: string, act: SignalAct, round: ActRound = {}): Promise<SignedStatement> {
    if (this.about === undefined) throw new Error('nothing was asked yet');
    return signAct(await this.actor(person), act, { ...this.about, ...round }, validity());
  }

  /** alice asks for so many minutes more, and both approve exactly that. */
  async extend(minutes: number): Promise<void> {
    const { expires_at } = await this.api.get(this.event);
    const round = { round: 2, deadline: instant(Date.parse(expires_at ?? '') + minutes * 60_000) };
    const asked = await this.act('alice', 'extend', round);
    await this.send('alice', 'extend', asked);
    const approved = { ...round, extension_digest: sha256Hex(asked.payload) };
    for (const person of ['bob', 'carol'])
      await this.send(person, 'approve', await this.act(person, 'approve', approved));
  }

  async say(person: string, act: SignalAct): Promise<void> {
    await this.send(person, act, await this.act(person, act));
  }

  private async send(person: string, act: SignalAct, statement: SignedStatement): Promise<void> {
    const { digest } = await this.api.speak(this.event, act, statement);
    for (;;) {
      const { status, reason } = await this.api.verdict(this.event, digest);
      if (status === 'accepted' || status === 'unrecorded') return;
      if (status === 'refused') throw new Error(`${person}'s ${act} was refused: ${reason ?? ''}`);
      await sleep(200);
    }
  }

  /** Somebody reviews what has ended; answers the id of the workflow that carries it. */
  async review(person: string): Promise<string> {
    if (this.about === undefined) throw new Error('nothing was asked yet');
    const about = { ...this.about, note: 'Recorded too' };
    const envelope = await signReview(await this.actor(person), about, validity());
    const { status, reason, digest } = await this.api.review(this.event, envelope);
    if (status !== 'accepted') throw new Error(`${person}'s review is ${status}: ${reason ?? ''}`);
    return reviewWorkflowId(this.event, digest);
  }

  /** Straight into Temporal, as anybody with write access to the namespace can. */
  signal(name: string, ...args: unknown[]): Promise<void> {
    return this.stack.client.workflow.getHandle(this.workflowId).signal(name, ...args);
  }

  async approve(): Promise<void> {
    await this.say('bob', 'approve');
    await this.say('carol', 'approve');
  }

  /** Asked, approved, granted, verified. */
  async activate(maxEvents?: number): Promise<void> {
    await this.ask(maxEvents);
    await this.approve();
    await this.untilState('active');
  }

  /** Lets the directory be five minutes further, so that it no longer refuses to remove a young assignment. */
  passTheFloor(): Promise<void> {
    return this.control('/clock', { advance_seconds: 310, tenant: this.tenant });
  }

  fault(body: Record<string, unknown>): Promise<void> {
    const path = '/roleManagement/directory/roleAssignmentScheduleRequests';
    return this.control('/faults', { method: 'POST', path, tenant: this.tenant, ...body });
  }

  async clearFaults(): Promise<void> {
    await fetch(`${this.stack.dev.graph_control_url}/faults?tenant=${this.tenant}`, { method: 'DELETE' });
  }

  async control(path: string, body: unknown): Promise<void> {
    const answer = await fetch(this.stack.dev.graph_control_url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }

  untilState(...states: CeremonyView['state'][]): Promise<CeremonyView> {
    return this.until(({ state }) => states.includes(state));
  }

  async until(holds: (view: CeremonyView) => boolean): Promise<CeremonyView> {
    for (;;) {
      const view = await this.api.get(this.event).catch(() => null);
      if (view !== null && holds(view)) return view;
      await sleep(500);
    }
  }

  /**
   * Waits until a workflow has completed. The directory's audit log is read a quarter of an hour after the end; that one
   * answer is given here in the verifier's place, with the verifier's key, so that the recording has its last page too.
   */
  async finish(workflowId = this.workflowId): Promise<void> {
    const handle = this.stack.client.workflow.getHandle(workflowId);
    for (;;) {
      const description = await handle.describe();
      if (description.status.name !== 'RUNNING') return;
      const pending = description.raw.pendingActivities ?? [];
      const audit = pending.find(({ activityType }) => activityType?.name === 'audit');
      if (audit?.activityId) await this.answerAudit(workflowId, audit.activityId);
      await sleep(1000);
    }
  }

  private async answerAudit(workflowId: string, activityId: string): Promise<void> {
    const at = instant(Date.now());
    const key = await readRoleKey(roleKeyPath(this.stack.layout.roleKeys, 'verifier'), 'verifier');
    const entry = { schema: 'reseal.entry.v1', event_id: this.event, transition: 'audited', type: 'audited' } as const;
    const receipt = signReceipt({ ...entry, at, data: { outcome: 'missing' } }, key);
    await this.stack.client.activity.complete({ workflowId, activityId }, { outcome: 'missing', at, receipt });
  }

  history(workflowId = this.workflowId, runId?: string): Promise<string> {
    const execution = runId === undefined ? { workflowId } : { workflowId, runId };
    return fetchHistory(this.stack.connection, this.stack.dev.temporal_namespace, execution);
  }

  /** Every run of a ceremony that continued as new, the first one first. */
  async runs(): Promise<string[]> {
    const { raw } = await this.stack.client.workflow.getHandle(this.workflowId).describe();
    const histories: string[] = [];
    for (let runId = raw.workflowExecutionInfo?.firstRunId; runId;) {
      const history = await this.history(this.workflowId, runId);
      histories.push(history);
      runId = /"newExecutionRunId": ?"([0-9a-f-]{36})"/.exec(history)?.[1];
    }
    return histories;
  }

  private async actor(id: string) {
    const { identities } = this.stack.dev;
    const found = identities.find(({ upn }) => upn === `${id}@corp.example`);
    if (found === undefined) throw new Error(`nobody is called ${id}`);
    const { upn, object_id, key_path } = found;
    return { person: { id, upn, object_id }, signer: await fileSigner(key_path) };
  }
}

const validity = () => ({ issuedMs: Date.now(), notAfterMs: Date.now() + 3_600_000 });
