import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { virtualNow, advanceCeremony } from '../../deploy/local/stack/time-skipping.js';
import { startStack, type Stack, type StackOptions } from '../../deploy/local/stack/start-stack.js';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { parseDuration } from '../../domain/duration.js';
import { STATEMENT_DOMAIN, type SignalAct, type SignedStatement } from '../../domain/statement.js';
import type { CeremonyView } from '../../domain/view.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { readPolicyFile } from '../../workers/policy-files.js';
import { GraphControl } from './graph-control.js';
import { PEOPLE, ROLE, tenantOf, testPolicy } from './people.js';
import { signWith } from './signing.js';

export interface Asked {
  event: string;
  profile: string;
  tenant: string;
  request: Record<string, unknown> & { event_id: string };
  request_digest: string;
  envelope: SignedStatement;
}

/** A local stack for tests, and what people do with it. One a test file; every ceremony gets a profile and a tenant of its own. */
export class CeremonyStack {
  private used = 0;
  private constructor(
    readonly stack: Stack,
    readonly graph: GraphControl,
    private readonly policyDigest: string,
  ) {}

  static async start(options: Partial<StackOptions> = {}): Promise<CeremonyStack> {
    const stack = await startStack({
      dir: await mkdtemp(path.join(os.tmpdir(), 'reseal-test-')),
      ephemeral: true,
      ports: { gateway: 0, temporal: 0, ui: 0, graph: 0, inbox: 0 },
      people: PEOPLE,
      policyYaml: testPolicy(),
      reconcileSeconds: 1,
      log: () => undefined,
      ...options,
    });
    const { digest } = await readPolicyFile(stack.layout.policy);
    return new CeremonyStack(stack, new GraphControl(stack.dev.graph_control_url), digest);
  }

  stop(): Promise<void> {
    return this.stack.stop();
  }

  keyOf(person: string): string {
    const found = this.stack.dev.identities.find(({ upn }) => upn.startsWith(`${person}@`));
    if (found === undefined) throw new Error(`nobody is called ${person}`);
    return found.key_path;
  }

  /** A request of alice's for herself, unless said otherwise, under a profile nobody has used yet. */
  prepare(
    over: { profile?: string; duration?: string; invoker?: string; principal?: string; event?: string } & Record<
      string,
      unknown
    > = {},
  ): Asked {
    const {
      profile = `p${this.used++}`,
      duration = '30m',
      invoker = 'alice',
      principal = invoker,
      event,
      ...rest
    } = over;
    const tenant = tenantOf(Number(profile.slice(1)));
    const target = PEOPLE.find(({ id }) => id === principal) ?? PEOPLE[0]!;
    const request = {
      event_id: event ?? randomBytes(8).toString('hex'),
      profile,
      reason_code: 'incident',
      justification: 'A test that needs a privileged role for a while',
      ticket: null,
      duration_seconds: parseDuration(duration) ?? 1800,
      invoker: { person: invoker, upn: `${invoker}@corp.example` },
      principal: { object_id: target.object_id, upn: target.upn },
      effect: {
        kind: 'entra.directory_role',
        tenant_id: tenant,
        role_template_id: ROLE.template_id,
        role_name: ROLE.name,
        directory_scope_id: '/',
        end_sessions: true,
      },
      policy_digest: this.policyDigest,
      requested_at: new Date().toISOString(),
      ...rest,
    };
    const request_digest = digestOf(request);
    const statement = {
      ...this.common(request.event_id, request_digest, invoker, Date.now()),
      act: 'request',
      request,
    };
    return {
      event: request.event_id,
      profile,
      tenant,
      request,
      request_digest,
      envelope: signWith(this.keyOf(invoker), statement),
    };
  }

  /** Sends a prepared request through the gateway. */
  async send(asked: Asked): Promise<Response> {
    return fetch(`${this.stack.dev.gateway_url}/v1/events`, {
      method: 'POST',
      headers: JSON_BODY,
      body: JSON.stringify(asked.envelope),
    });
  }

  /** Asks, and waits until approvals are awaited. */
  async ask(over: Parameters<CeremonyStack['prepare']>[0] = {}): Promise<Asked> {
    const asked = this.prepare(over);
    const answer = await this.send(asked);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    await this.until(asked.event, (view) => view.state !== 'requested');
    return asked;
  }

  common(event: string, requestDigest: string, person: string, nowMs: number, lifeMs = 3_600_000) {
    return {
      domain: STATEMENT_DOMAIN,
      event_id: event,
      request_digest: requestDigest,
      policy_digest: this.policyDigest,
      round: 1,
      person,
      issued_at: new Date(nowMs).toISOString(),
      not_after: new Date(nowMs + lifeMs).toISOString(),
    };
  }

  /** One signed act of a person, in the ceremony's own time. `over` changes what is signed. */
  async act(
    asked: Asked,
    person: string,
    act: SignalAct,
    over: Record<string, unknown> = {},
  ): Promise<SignedStatement> {
    const now = await this.now(asked.event);
    return signWith(this.keyOf(person), {
      ...this.common(asked.event, asked.request_digest, person, now),
      act,
      ...over,
    });
  }

  /** Says one act through the gateway and resolves with the verdict. */
  async say(
    asked: Asked,
    person: string,
    act: SignalAct,
    over: Record<string, unknown> = {},
  ): Promise<{ status: string; reason?: string; mark?: string }> {
    return this.deliver(asked.event, await this.act(asked, person, act, over));
  }

  async deliver(event: string, envelope: SignedStatement): Promise<{ status: string; reason?: string; mark?: string }> {
    const url = `${this.stack.dev.gateway_url}/v1/events/${event}/statements?wait=20s`;
    const answer = await fetch(url, { method: 'POST', headers: JSON_BODY, body: JSON.stringify(envelope) });
    return (await answer.json()) as { status: string; reason?: string; mark?: string };
  }

  /** A signal straight into Temporal, as anybody with write access to the namespace can send one. */
  async signal(event: string, name: string, ...args: unknown[]): Promise<void> {
    await this.stack.client.workflow.getHandle(ceremonyWorkflowId(event)).signal(name, ...args);
  }

  digest(envelope: SignedStatement): string {
    return statementDigest(envelope);
  }

  /** Asks, has bob and carol approve, and waits until the role is active. */
  async activate(over: Parameters<CeremonyStack['prepare']>[0] = {}): Promise<Asked> {
    const asked = await this.ask(over);
    await this.approve(asked);
    await this.untilState(asked.event, 'active');
    return asked;
  }

  async approve(asked: Asked, ...people: string[]): Promise<void> {
    for (const person of people.length > 0 ? people : ['bob', 'carol']) {
      const answer = await this.say(asked, person, 'approve');
      if (answer.status !== 'accepted') throw new Error(`${person}: ${JSON.stringify(answer)}`);
    }
  }

  /** The ceremony's own time: ahead of the clock by what was skipped. */
  async now(event: string): Promise<number> {
    const execution = { namespace: this.stack.dev.temporal_namespace, workflowId: ceremonyWorkflowId(event) };
    return ((await virtualNow(this.stack.connection, execution)) ?? new Date()).getTime();
  }

  async view(event: string): Promise<CeremonyView> {
    const answer = await fetch(`${this.stack.dev.gateway_url}/v1/events/${event}`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()) as CeremonyView;
  }

  async until(event: string, holds: (view: CeremonyView) => boolean, withinMs = 90_000): Promise<CeremonyView> {
    const giveUpAt = Date.now() + withinMs;
    for (;;) {
      const view = await this.view(event).catch(() => null);
      if (view !== null && holds(view)) return view;
      if (Date.now() > giveUpAt) throw new Error(`not within ${withinMs} ms; last seen: ${JSON.stringify(view)}`);
      await sleep(100);
    }
  }

  untilState(event: string, ...states: string[]): Promise<CeremonyView> {
    return this.until(event, (view) => states.includes(view.state));
  }

  /** Moves one ceremony's time forward, exactly. */
  advance(event: string, by: string, workflowId = ceremonyWorkflowId(event)): Promise<'arrived' | 'ended'> {
    return advanceCeremony(this.stack.client, workflowId, parseDuration(by) ?? 0, 100_000);
  }

  /** Advances in steps until the ceremony has ended. */
  async advanceToEnd(event: string, most = '45m', step = '5m'): Promise<CeremonyView> {
    const steps = Math.ceil((parseDuration(most) ?? 0) / (parseDuration(step) ?? 1));
    for (let index = 0; index < steps; index += 1) {
      const view = await this.view(event);
      if (view.ended_at !== null) return view;
      await this.advance(event, step);
    }
    return this.until(event, (view) => view.ended_at !== null);
  }
}

const JSON_BODY = { 'content-type': 'application/json' };
