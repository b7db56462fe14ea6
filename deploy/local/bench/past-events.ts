import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { AUTHORITY_MIGRATIONS } from '../../../activities/authority/authority-migrations.js';
import { systemClock } from '../../../activities/clock.js';
import type { Database } from '../../../activities/register/database.js';
import { openPostgres } from '../../../activities/register/database-postgres.js';
import { REGISTER_MIGRATIONS } from '../../../activities/register/register-migrations.js';
import { registerTasks } from '../../../activities/register/register-tasks.js';
import { instant } from '../../../domain/identifiers.js';
import type { PolicyInForce } from '../../../domain/policy-in-force.js';
import type { Request } from '../../../domain/request.js';
import { rosterSchema, type Roster } from '../../../domain/roster.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../../domain/statement.js';
import { canonicalJson, digestOf } from '../../../proofs/canonical-json.js';
import { encodeOpenSshEd25519 } from '../../../proofs/openssh-ed25519.js';
import { parseOpenSshPrivateKey } from '../../../proofs/openssh-private-key.js';
import { readPolicy } from '../../../proofs/policy-document.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { signSshsig } from '../../../proofs/sshsig-sign.js';
import { startPostgres } from '../postgres/start-postgres.js';
import { CROWD, crowdPolicy, profileOf, ROLE, tenantOf } from '../stack/crowd.js';
import { givenInForce } from '../stack/given-in-force.js';
import { insertPastEvents } from './past-rows.js';

/** Past events are of these profiles, and each is asked for once at most. */
const PROFILES = 600;
const [ALICE] = CROWD;

/** A request of alice's, signed and not sent. */
export interface Prepared {
  request: Request;
  envelope: SignedStatement;
}

/** A register on a PostgreSQL of its own, with as many past events as are put into it, and alice who asks. */
export class PastEvents {
  private used = 0;
  readonly register: ReturnType<typeof registerTasks>;

  private constructor(
    readonly database: Database,
    readonly inForce: PolicyInForce,
    readonly roster: Roster,
    private readonly key: ReturnType<typeof parseOpenSshPrivateKey>,
    private readonly url: string,
    private readonly stops: readonly (() => Promise<unknown>)[],
  ) {
    this.register = registerTasks({
      database,
      key: generateRoleKey(),
      clock: systemClock,
      ...givenInForce(
        () => inForce,
        () => roster,
      ),
      roleKeys: () => undefined,
      log: () => undefined,
    });
  }

  /** An empty register. All limits are on, and so wide that nothing is refused: every look-up is made and finds what it can. */
  static async start(): Promise<PastEvents> {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'reseal-bench-past-'));
    const stops: (() => Promise<unknown>)[] = [
      () => Promise.all([dataDir, `${dataDir}.log`].map((left) => rm(left, { recursive: true, force: true }))),
    ];
    try {
      const postgres = await startPostgres({ dataDir });
      stops.unshift(() => postgres.stop());
      const database = await openPostgres(postgres.url);
      stops.unshift(() => database.close());
      await database.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
      const { roster, key } = aliceWithKey();
      return new PastEvents(database, widePolicy(), roster, key, postgres.url, stops);
    } catch (error) {
      for (const stop of stops) await stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) await stop();
  }

  /** Puts events of the last year into it, one in twenty of them alice's. */
  async fill(events: number): Promise<void> {
    await insertPastEvents(this.url, {
      events,
      profiles: PROFILES,
      inForce: this.inForce,
      like: this.prepare().request,
    });
  }

  /** A signed request of alice's for half an hour, under a profile that she has not used yet in this run. */
  prepare(): Prepared {
    if (ALICE === undefined || this.used >= PROFILES) throw new Error('no profile is left to ask for');
    const index = this.used++;
    const now = Date.now();
    const { id, upn, object_id } = ALICE;
    const { digest: policy_digest } = this.inForce;
    const request: Request = {
      event_id: randomBytes(8).toString('hex'),
      profile: profileOf(index),
      reason_code: 'maintenance',
      justification: 'A measured admission: the role is needed for half an hour',
      ticket: null,
      duration_seconds: 1800,
      invoker: { person: id, upn },
      principal: { object_id, upn },
      effect: {
        kind: 'entra.directory_role',
        tenant_id: tenantOf(index),
        role_template_id: ROLE.template_id,
        role_name: ROLE.name,
        directory_scope_id: '/',
        end_sessions: true,
      },
      policy_digest,
      requested_at: instant(now),
    };
    const payload = canonicalJson({
      domain: STATEMENT_DOMAIN,
      event_id: request.event_id,
      request_digest: digestOf(request),
      policy_digest,
      round: 1,
      person: id,
      issued_at: instant(now),
      not_after: instant(now + 1_800_000),
      act: 'request',
      request,
    });
    const signature = signSshsig({ ...this.key, message: Buffer.from(payload), namespace: STATEMENT_DOMAIN });
    return { request, envelope: { payload, signature } };
  }

  /** Throws where it is refused. */
  async admit({ request, envelope }: Prepared): Promise<void> {
    const answer = await this.register.admit({ event_id: request.event_id, run_id: 'bench', envelope });
    if (answer.outcome === 'refused') throw new Error(`${answer.code}: ${answer.message}`);
  }
}

function widePolicy(): PolicyInForce {
  const times = { timebox: { default: '30m', max: '1h' }, approvalWindow: '30m', grace: '10m' };
  const limits = 'max_per_user: 1000, max_per_profile: 1000, escalation_threshold: 1000';
  const read = readPolicy(
    `${crowdPolicy({ profiles: PROFILES, ...times })}limits: { cooldown: 1s, quota_window: 24h, ${limits} }\n`,
  );
  if (read.ok) return read.value;
  throw new Error('this is no policy');
}

function aliceWithKey(): { roster: Roster; key: ReturnType<typeof parseOpenSshPrivateKey> } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { privatePem, publicLine } = encodeOpenSshEd25519({ privateKey, comment: 'alice' });
  const people = CROWD.map(({ id, upn, object_id, groups }) => ({
    id,
    kind: 'human',
    object_ids: [object_id],
    aliases: [upn],
    keys: id === ALICE?.id ? [publicLine] : [],
    groups,
  }));
  return { roster: rosterSchema.parse({ version: 1, people }), key: parseOpenSshPrivateKey(privatePem) };
}
