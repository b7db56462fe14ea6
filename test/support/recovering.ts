import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { IncidentReader } from '../../activities/register/incidents/incident-reader.js';
import type { Interfere } from '../activities/tpm/proxied-tpm.js';
import { ProxiedTpm } from '../activities/tpm/proxied-tpm.js';
import { TPM_CC } from '../../activities/tpm/tpm-commands.js';
import { skipAhead } from '../../deploy/local/stack/time-skipping.js';
import type { IncidentClass } from '../../domain/incidents/classes.js';
import { incidentWorkflowId } from '../../domain/incidents/incident-id.js';
import { DEFAULT_PLAYBOOK } from '../../domain/incidents/playbook.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { instant } from '../../domain/identifiers.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import { ROLES } from '../../domain/roles.js';
import { STATEMENT_DOMAIN } from '../../domain/statement.js';
import type { IncidentBundleReport } from '../../proofs/incidents/incident-bundle-report.js';
import { verifyIncidentBundle } from '../../proofs/incidents/verify-incident-bundle.js';
import { parseTrust } from '../../proofs/trust.js';
import { CeremonyStack } from './ceremony-stack.js';
import { ResealProcess } from './dev-process.js';
import { roleFiles } from './role-files.js';
import { RoleProcess, type RoleStart } from './role-process.js';
import { signWith } from './signing.js';
import { TemporaryPostgres } from './temporary-postgres.js';

/** What the running system itself may put back: drift here can be mended without a reboot. */
export const DRIFTING = 23;
const LIFE_MS = 8 * 3_600_000;

/** An answer of the gateway. */
export interface Answer {
  status: number;
  body: { id?: string; state?: string; status?: string; error?: { code: string; message: string; missing?: string[] } };
}

/**
 * A whole local stack with a host whose TPM is real software, enrolled by bob. The verifier and the host's agent are
 * processes of their own, so that they can be killed, and between agent and TPM somebody stands who can hold a quote.
 */
export class Recovering {
  private agent: ResealProcess | undefined;
  private verifier: RoleProcess | undefined;
  private reader!: IncidentReader;
  private playVerifier!: RoleStart;
  private agentUrl = 'http://127.0.0.1:0';
  private proxy!: ProxiedTpm;

  private constructor(
    readonly world: CeremonyStack,
    private readonly postgres: TemporaryPostgres,
    private readonly dir: string,
  ) {}

  static async start(): Promise<Recovering> {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'reseal-recovery-'));
    const postgres = await TemporaryPostgres.start();
    const world = await CeremonyStack.start({
      ...{ dir, databaseUrl: postgres.url, host: { ports: 'free' } },
      attestSeconds: 86_400,
      roles: ROLES.filter((role) => role !== 'verifier'),
    });
    const recovering = new Recovering(world, postgres, dir);
    await recovering.prepare();
    return recovering;
  }

  private async prepare(): Promise<void> {
    const { stack } = this.world;
    this.reader = new IncidentReader(stack.database);
    this.playVerifier = await (await roleFiles(stack, this.postgres.url))(['verifier']);
    const { socket } = (await this.control('GET', '/tpm')) as { socket: string };
    this.proxy = await ProxiedTpm.start(socket);
    await Promise.all([this.startAgent(), this.startVerifier()]);
    await this.enrol();
  }

  async stop(): Promise<void> {
    await this.agent?.end('SIGKILL');
    await this.verifier?.end('SIGKILL');
    await this.world.stop();
    await this.proxy?.stop();
    await this.postgres.remove();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** The simulated host, whose services are in this process. */
  get host() {
    const { host } = this.world.stack;
    if (host === null) throw new Error('this stack has no host');
    return host;
  }

  /** `reseal attest-agent` before the host's TPM, where it was before. */
  async startAgent(): Promise<void> {
    const keys = ['--ak', '0x81010002', '--ek', '0x81010001', '--token-file', this.host.files.attestToken];
    const where = ['--tpm', `unix:${this.proxy.socket}`, '--listen', new URL(this.agentUrl).host];
    const agent = ResealProcess.spawn(['attest-agent', ...keys, ...where], this.dir);
    const said = (): string | undefined => /on (http:\S+)/.exec(agent.stderr)?.[1];
    await until(() => Promise.resolve(said() !== undefined), 'the agent answers');
    this.agent = agent;
    const url = said() ?? '';
    const file = this.host.files.verifier;
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/(attest_agent:\s+url: ).*/, `$1${url}`));
    this.agentUrl = url;
  }

  killAgent = (): Promise<unknown> => this.agent?.end('SIGKILL') ?? Promise.resolve();

  async startVerifier(): Promise<void> {
    this.verifier = await RoleProcess.start(this.playVerifier);
  }

  killVerifier = (): Promise<unknown> => this.verifier?.end('SIGKILL') ?? Promise.resolve();

  private async enrol(): Promise<void> {
    const { files, name } = this.host;
    const where = ['--references', this.world.stack.layout.references, '--select', `sha256:0,2,4,7,${DRIFTING}`];
    const known = ['--label', 'as installed', '--without-certificate', '--yes', '--as', 'bob'];
    const line = ['tpm', 'enroll', name, this.agentUrl, '--token-file', files.attestToken, ...where, ...known];
    const { status, stderr } = await ResealProcess.run(line, this.dir);
    if (status !== 0) throw new Error(`not enrolled: ${stderr}`);
  }

  /** Lets no quote through until `release` is called; `reached` resolves when one is asked for. */
  holdQuote(): { reached: Promise<void>; release: () => void } {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => {
      const interfere: Interfere = async (code) => {
        if (code !== TPM_CC.quote) return undefined;
        resolve();
        await held;
        return undefined;
      };
      this.proxy.interfere = interfere;
    });
    return {
      reached,
      release: () => {
        this.proxy.interfere = () => undefined;
        release();
      },
    };
  }

  /** What somebody at the machine does. */
  async control(method: 'GET' | 'POST', at: string, body?: object): Promise<unknown> {
    const answer = await fetch(this.host.controlUrl + at, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** One request of the runbook's, with curl. */
  async curl(at: string, body?: object): Promise<Answer> {
    const sent = body === undefined ? [] : ['-X', 'POST', '-H', 'Content-Type: application/json'];
    const data = body === undefined ? [] : ['-d', JSON.stringify(body)];
    const line = ['-s', '-w', '\n%{http_code}', ...sent, ...data, this.world.stack.dev.gateway_url + at];
    const { stdout } = await promisify(execFile)('curl', line, { maxBuffer: 16 * 1024 * 1024 });
    const end = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(end + 1)), body: JSON.parse(stdout.slice(0, end)) as Answer['body'] };
  }

  /** Reports one event about the host, and waits until it is contained and its first quote is taken. */
  async report(kind: IncidentClass, description: string): Promise<IncidentView> {
    const event = { class: kind, source: 'integrity-monitor', description };
    const { body } = await this.curl('/api/v1/incidents/report', event);
    return this.baselined(body.id ?? '');
  }

  baselined = (id: string): Promise<IncidentView> =>
    this.until(id, 'its first quote', ({ state, attestation }) => state === 'contained' && attestation.at !== null);

  async view(id: string): Promise<IncidentView> {
    const answer = await fetch(`${this.world.stack.dev.gateway_url}/v1/incidents/${id}`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { view: IncidentView }).view;
  }

  async until(id: string, what: string, holds: (view: IncidentView) => boolean): Promise<IncidentView> {
    let last: IncidentView | undefined;
    await until(
      async () => holds((last = await this.view(id))),
      () => `${id}: ${what}; last seen ${JSON.stringify(last)}`,
    );
    return last as IncidentView;
  }

  /** The body of a request that carries bob's signature. */
  signed(act: 'acknowledge' | 'resolve', { id, containment_binding }: IncidentView) {
    const now = Date.now();
    const { payload, signature } = signWith(this.world.keyOf('bob'), {
      ...{ domain: STATEMENT_DOMAIN, act, incident_id: id, containment_binding, person: 'bob' },
      ...{ issued_at: instant(now), not_after: instant(now + LIFE_MS) },
    });
    return { statement: payload, signature };
  }

  acknowledge = (view: IncidentView): Promise<Answer> =>
    this.curl('/api/v1/recovery/ack', { incident_id: view.id, operator: 'bob', ...this.signed('acknowledge', view) });

  reattest = (id: string): Promise<Answer> => this.curl('/api/v1/recovery/reattest', { incident_id: id });

  resolve = (view: IncidentView): Promise<Answer> =>
    this.curl('/api/v1/incidents/resolve', { id: view.id, ...this.signed('resolve', view) });

  /** Moves one incident's own time forward. */
  skip = (id: string, seconds: number): Promise<unknown> =>
    skipAhead(this.world.stack.client, incidentWorkflowId(id), seconds);

  /** The verifier's journal of an incident's recoveries: every nonce, what became of it, and the signed result. */
  nonces(id: string): Promise<{ nonce: string; attempt: number; outcome: string | null; envelope: string | null }[]> {
    return this.world.stack.database.query(
      `SELECT n.nonce, n.attempt, s.outcome, r.envelope FROM verifier.nonces n
       LEFT JOIN verifier.spent s USING (nonce) LEFT JOIN verifier.results r USING (nonce)
       WHERE n.incident_id = $1 AND n.purpose = 'recovery' ORDER BY n.minted_at, n.nonce`,
      [id],
    );
  }

  /** The result of an incident's latest recovery. */
  async result(id: string): Promise<DsseEnvelope> {
    const latest = (await this.nonces(id)).findLast(({ envelope }) => envelope !== null);
    return JSON.parse(latest?.envelope ?? 'null') as DsseEnvelope;
  }

  /** Completes what is pending of this name in an incident, as whoever can write to the namespace can. */
  async complete(id: string, activity: string, answer: unknown): Promise<void> {
    const workflowId = incidentWorkflowId(id);
    const { client } = this.world.stack;
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity);
    if (!pending?.activityId) throw new Error(`no ${activity} is pending`);
    await client.activity.complete({ workflowId, activityId: pending.activityId }, answer);
  }

  /** What an offline verifier says of a resolved incident's bundle. */
  async verified(id: string): Promise<IncidentBundleReport> {
    let bundle: string | null = null;
    await until(async () => (bundle = await this.reader.bundle(id)) !== null, `the bundle of ${id}`);
    const trust = parseTrust(await readFile(this.world.stack.layout.trust));
    if (!trust.ok) throw new Error(trust.message);
    const rules = { playbook: DEFAULT_PLAYBOOK, compatAck: false, quorum: 2 };
    return verifyIncidentBundle(Buffer.from(bundle ?? ''), trust.trust, rules);
  }
}

async function until(holds: () => Promise<boolean>, what: string | (() => string)): Promise<void> {
  const giveUpAt = Date.now() + 90_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > giveUpAt) throw new Error(`not within 90 s: ${typeof what === 'string' ? what : what()}`);
    await sleep(150);
  }
}
