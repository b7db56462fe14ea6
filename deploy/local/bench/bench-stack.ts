import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventReader } from '../../../activities/register/events.js';
import { DirectApi } from '../../../client/api/direct-api.js';
import type { Role } from '../../../domain/roles.js';
import { STATEMENT_DOMAIN, type SignalAct, type SignedStatement } from '../../../domain/statement.js';
import type { CeremonyView } from '../../../domain/view.js';
import { canonicalJson, digestOf } from '../../../proofs/canonical-json.js';
import { parseOpenSshPrivateKey } from '../../../proofs/openssh-private-key.js';
import { signSshsig } from '../../../proofs/sshsig-sign.js';
import { readPolicyFile, readRosterFile } from '../../../workers/policy-files.js';
import { available, startPostgres } from '../postgres/start-postgres.js';
import { startStack, type Stack, type StackOptions } from '../stack/start-stack.js';
import { CROWD, crowdPolicy, profileOf, ROLE, tenantOf } from '../stack/crowd.js';

export interface Asked {
  event: string;
  tenant: string;
  request_digest: string;
  envelope: SignedStatement;
}

type PrivateKey = ReturnType<typeof parseOpenSshPrivateKey>;

/** A local stack that keeps nothing, on PostgreSQL where there is one, and people who ask and approve. */
export class BenchStack {
  private used = 0;

  private constructor(
    readonly stack: Stack,
    /** `PostgreSQL`, or why it is not. */
    readonly register: string,
    readonly api: DirectApi,
    private readonly policyDigest: string,
    private readonly keys: ReadonlyMap<string, PrivateKey>,
    private readonly stops: readonly (() => Promise<unknown>)[],
  ) {}

  /** `profiles` is how many ceremonies there will be at most. */
  static async start(
    options: { profiles: number; roles?: readonly Role[] } & Pick<StackOptions, 'host'>,
  ): Promise<BenchStack> {
    const missing = await available();
    const stops: (() => Promise<unknown>)[] = [];
    const dir = await mkdtemp(path.join(os.tmpdir(), 'reseal-bench-'));
    stops.unshift(() => rm(dir, { recursive: true, force: true }));
    let databaseUrl: string | null = null;
    if (missing === null) {
      const dataDir = await mkdtemp(path.join(os.tmpdir(), 'reseal-bench-pg-'));
      stops.unshift(() =>
        Promise.all([dataDir, `${dataDir}.log`].map((left) => rm(left, { recursive: true, force: true }))),
      );
      const postgres = await startPostgres({ dataDir });
      stops.unshift(() => postgres.stop());
      databaseUrl = postgres.url;
    }
    try {
      const stack = await startStack({
        dir,
        ephemeral: true,
        databaseUrl,
        ports: { gateway: 0, temporal: 0, ui: 0, graph: 0, inbox: 0 },
        people: CROWD,
        policyYaml: crowdPolicy({
          profiles: options.profiles,
          timebox: { default: '10m', max: '4h' },
          approvalWindow: '30m',
          grace: '10m',
        }),
        log: () => undefined,
        ...(options.roles === undefined ? {} : { roles: options.roles }),
        ...(options.host === undefined ? {} : { host: options.host }),
      });
      stops.unshift(() => stack.stop());
      const policy = await readPolicyFile(stack.layout.policy);
      const roster = await readRosterFile(stack.layout.roster);
      const api = new DirectApi({
        client: stack.client,
        uiUrl: null,
        register: eventReader(stack.database),
        policy: () => Promise.resolve(policy),
        roster: () => Promise.resolve(roster),
      });
      const keys = new Map<string, PrivateKey>();
      for (const { upn, key_path } of stack.dev.identities)
        keys.set(upn, parseOpenSshPrivateKey(await readFile(key_path, 'utf8')));
      const register = missing === null ? 'PostgreSQL' : `PGlite (${missing})`;
      return new BenchStack(stack, register, api, policy.digest, keys, stops);
    } catch (error) {
      for (const stop of stops) await stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) await stop();
  }

  /** A signed request of alice's for ten minutes, under a profile that nobody has used yet. */
  prepare(): Asked {
    const index = this.used++;
    const [alice] = CROWD;
    if (alice === undefined) throw new Error('nobody asks');
    const event = randomBytes(8).toString('hex');
    const tenant = tenantOf(index);
    const request = {
      event_id: event,
      profile: profileOf(index),
      reason_code: 'maintenance',
      justification: 'A measured ceremony: the role is needed for ten minutes',
      ticket: null,
      duration_seconds: 600,
      invoker: { person: alice.id, upn: alice.upn },
      principal: { object_id: alice.object_id, upn: alice.upn },
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
    };
    const request_digest = digestOf(request);
    const envelope = this.sign(alice.id, { ...this.common(event, request_digest, alice.id), act: 'request', request });
    return { event, tenant, request_digest, envelope };
  }

  async open(asked: Asked): Promise<void> {
    await this.api.open(asked.envelope, asked.event);
  }

  /** One signed act, sent and not waited for. The ceremony's time must still be the clock's. */
  async speak({ event, request_digest }: Asked, personId: string, act: SignalAct): Promise<void> {
    await this.api.speak(event, act, this.sign(personId, { ...this.common(event, request_digest, personId), act }));
  }

  async until(asked: Asked, holds: (view: CeremonyView) => boolean, everyMs = 200): Promise<CeremonyView> {
    const giveUpAt = Date.now() + 60_000;
    for (;;) {
      const view = await this.api.get(asked.event);
      if (holds(view)) return view;
      if (Date.now() > giveUpAt) throw new Error(`not within a minute; last seen in state ${view.state}`);
      await sleep(everyMs);
    }
  }

  /** Asks, has both approve one after the other as people would, and resolves when the role is active. */
  async activate(asked: Asked = this.prepare()): Promise<Asked> {
    await this.open(asked);
    await this.until(asked, ({ state }) => state === 'awaiting_approval');
    await this.speak(asked, 'bob', 'approve');
    await this.until(asked, ({ approvals }) => approvals.length === 1);
    await this.speak(asked, 'carol', 'approve');
    await this.until(asked, ({ state }) => state === 'active');
    return asked;
  }

  private common(event_id: string, request_digest: string, personId: string) {
    const now = Date.now();
    return {
      domain: STATEMENT_DOMAIN,
      event_id,
      request_digest,
      policy_digest: this.policyDigest,
      round: 1,
      person: personId,
      issued_at: new Date(now).toISOString(),
      not_after: new Date(now + 600_000).toISOString(),
    };
  }

  private sign(personId: string, statement: unknown): SignedStatement {
    const key = this.keys.get(`${personId}@corp.example`);
    if (key === undefined) throw new Error(`nobody is called ${personId}`);
    const payload = canonicalJson(statement);
    const message = Buffer.from(payload);
    return { payload, signature: signSshsig({ ...key, message, namespace: STATEMENT_DOMAIN }) };
  }
}
