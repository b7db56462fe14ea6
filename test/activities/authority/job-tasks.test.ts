import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { authorityTasks } from '../../../activities/authority/authority-tasks.js';
import { jobTasks } from '../../../activities/authority/job-tasks.js';
import { givenInForce } from '../../../deploy/local/stack/given-in-force.js';
import { TOOLS } from '../../../domain/contract.js';
import { ACCESS_TOOLS } from '../../../domain/effects/conditional-access.js';
import { GROUP_TOOLS } from '../../../domain/effects/group-membership.js';
import { instant } from '../../../domain/identifiers.js';
import { MAX_JOBS } from '../../../domain/job.js';
import { jobOutcomeSchema, type JobTasks } from '../../../domain/job-tasks.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../../domain/statement.js';
import type { AuthorityTasks } from '../../../domain/tasks.js';
import { canonicalJson, digestOf, sha256Hex } from '../../../proofs/canonical-json.js';
import { generateHolderKey } from '../../../proofs/holder-proof.js';
import {
  T0,
  admissionOf,
  alice,
  bob,
  carol,
  keyOf,
  policy,
  policyDigest,
  requestFor,
  roleKeys,
  roster,
  signAct,
  signPayload,
  signRequest,
} from '../../proofs/ceremony-people.js';
import { bothDatabases, type TestDatabase } from '../register/both-databases.js';

const NOW = T0 + 120_000;
const { authority } = roleKeys;

describe.each(bothDatabases)('jobs that the authority lets in, over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`counted${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let intents: AuthorityTasks;
    let jobs: JobTasks;
    let request: ReturnType<typeof requestFor>;
    /** What the policy in force says of jobs in every profile. */
    let said: { jobs?: boolean };
    beforeAll(async () => {
      db = await open();
      const given = givenInForce(
        () => ({ policy, digest: policyDigest }),
        () => roster,
      );
      const carrying: typeof given.carrying = (digest, nowMs) => {
        const under = given.carrying(digest, nowMs);
        if (!under.ok) return under;
        const profiles = Object.entries(policy.profiles).map(([name, profile]) => [name, { ...profile, ...said }]);
        return { ...under, policy: { ...policy, profiles: Object.fromEntries(profiles) as typeof policy.profiles } };
      };
      const clock = { now: () => NOW };
      const holdings = { database: db.database, key: authority, clock, ...given, roleKeys: keyOf };
      intents = authorityTasks(holdings);
      jobs = jobTasks({ ...holdings, carrying }, intents);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(async () => {
      said = {};
      request = requestFor();
      const approvals = [signAct(bob, 'approve', request), signAct(carol, 'approve', request)];
      const { event_id } = request;
      await intents.issue({ event_id, request: signRequest(request), approvals, admission: admissionOf(request) });
    });

    const statement = (tools: readonly string[] = [TOOLS.read]): SignedStatement =>
      signPayload(
        alice,
        canonicalJson({
          domain: STATEMENT_DOMAIN,
          act: 'job',
          event_id: request.event_id,
          request_digest: digestOf(request),
          policy_digest: policyDigest,
          person: alice.id,
          issued_at: instant(NOW),
          not_after: instant(NOW + 3_600_000),
          job: { holder: generateHolderKey().holder, tools, confined_by: null },
        }),
      );
    const codeOf = async (envelope: SignedStatement): Promise<string> => {
      const answer = jobOutcomeSchema.parse(await jobs.job({ event_id: request.event_id, envelope }));
      return answer.outcome === 'given' ? 'given' : answer.code;
    };

    it(`are ${MAX_JOBS} at most in one ceremony, and one more is refused by name, before it has a token`, async () => {
      const first = statement();
      expect(await codeOf(first)).toBe('given');
      const counted = Array.from({ length: MAX_JOBS - 2 }, (_unused, index) => sha256Hex(`job ${index}`));
      await db.database.query(
        'INSERT INTO authority.jobs (event_id, statement_digest, let_in_at) SELECT $1, unnest($2::text[]), $3',
        [request.event_id, counted, instant(NOW)],
      );
      const last = statement();
      expect(await codeOf(last)).toBe('given');
      expect(await codeOf(statement())).toBe('too_many_jobs');
      // Those that were let in are given further tokens.
      expect([await codeOf(first), await codeOf(last)]).toEqual(['given', 'given']);
    });

    it('are counted of each ceremony apart, and none that was refused', async () => {
      expect(await codeOf(statement([GROUP_TOOLS.read]))).toBe('tool_of_another_kind');
      said = { jobs: false };
      expect(await codeOf(statement())).toBe('jobs_not_allowed');
      said = { jobs: true };
      expect(await codeOf(statement())).toBe('given');
      const [row] = await db.database.query<{ count: number }>(
        'SELECT count(*)::integer AS count FROM authority.jobs WHERE event_id = $1',
        [request.event_id],
      );
      expect(row?.count).toBe(1);
    });

    it('never are for tools that no job has', async () => {
      expect(await codeOf(statement([ACCESS_TOOLS.write]))).toBe('malformed');
    });
  });
});
