import { describe, expect, it } from 'vitest';

import { TOOLS } from '../../domain/contract.js';
import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import { jobIdOf } from '../../domain/job.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../domain/statement.js';
import { proveJobs } from '../../proofs/bundle-jobs.js';
import { BundleFindings } from '../../proofs/bundle-report.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { canonicalJson, digestOf, sha256Hex } from '../../proofs/canonical-json.js';
import { generateHolderKey } from '../../proofs/holder-proof.js';
import { alice, bob, entryOf, signPayload, type TestPerson } from './ceremony-people.js';
import { fullCeremony, sealed, sign, testTrust, type TestCeremony } from './full-ceremony.js';

const MIN = 60_000;

function statementOf({ request }: TestCeremony, by: TestPerson, over: Record<string, unknown> = {}): SignedStatement {
  const at = Date.parse(request.requested_at);
  const statement = {
    domain: STATEMENT_DOMAIN,
    act: 'job',
    event_id: request.event_id,
    request_digest: digestOf(request),
    policy_digest: request.policy_digest,
    person: by.id,
    issued_at: instant(at),
    not_after: instant(at + 60 * MIN),
    job: { holder: generateHolderKey().holder, tools: [TOOLS.read], confined_by: null },
    ...over,
  };
  return signPayload(by, canonicalJson(statement));
}

interface Told {
  statement?: SignedStatement;
  job?: Record<string, unknown>;
  call?: Record<string, unknown>;
  /** Minutes after the intent. */
  after?: number;
  type?: EntryPayload['type'];
}

/** A ceremony in which a job of alice's read once. */
function withJob(told: Told = {}): { ceremony: TestCeremony; payloads: EntryPayload[]; job: string } {
  const ceremony = fullCeremony();
  const { event_id } = ceremony.request;
  const issued = Date.parse(ceremony.intent.issued_at);
  const statement = told.statement ?? statementOf(ceremony, alice);
  const job = jobIdOf(event_id, sha256Hex(statement.payload));
  const called = issued + (told.after ?? 2) * MIN;
  const jobs = [
    entryOf(event_id, 'job', 'job/1', issued + MIN, { job, statement, elevated: false, ...told.job }),
    entryOf(event_id, told.type ?? 'tool_read', 'tool/1', called, {
      job,
      tool: TOOLS.read,
      intent_digest: digestOf(ceremony.intent),
      tuple: ceremony.intent.tuple,
      model_receipts: [],
      ...told.call,
    }),
    entryOf(event_id, 'tool_refused', 'tool_refused/1', called, { job, code: 'target_foreign' }),
    entryOf(event_id, 'tool_refused', 'tool_refused/2', called, { job: null, code: 'token_malformed' }),
  ];
  const at = ceremony.payloads.findIndex(({ type }) => type === 'resealing');
  return { ceremony, job, payloads: [...ceremony.payloads.slice(0, at), ...jobs, ...ceremony.payloads.slice(at)] };
}

function report(told: Told = {}) {
  const { ceremony, payloads, job } = withJob(told);
  const text = sealed(ceremony.request.event_id, payloads.map(sign));
  return { job, ...verifyBundle(Buffer.from(text), testTrust()) };
}
const failuresOf = (told: Told): string[] => report(told).errors.map(({ code }) => code);

describe('the jobs in a bundle', () => {
  it('are proven by their statements, with what they called and what was refused', () => {
    const { errors, facts, job, not_verified } = report();
    expect(errors).toEqual([]);
    expect(facts.jobs).toMatchObject([{ job, person: 'alice', tools: [TOOLS.read], calls: 1, refused: 1 }]);
    expect(not_verified.join('\n')).toContain(`what else ${job} did`);
  });

  it('fail when somebody let one in who may not', () => {
    const ceremony = fullCeremony();
    expect(failuresOf({ statement: statementOf(ceremony, bob) })).toContain('job_unproven');
    expect(failuresOf({ statement: statementOf(fullCeremony(), alice) })).toContain('job_unproven');
    expect(failuresOf({ job: { job: jobIdOf('0'.repeat(16), '0'.repeat(64)) } })).toContain('job_unproven');
    expect(failuresOf({ job: { statement: { payload: '{}', signature: 'x'.repeat(40) } } })).toContain('job_unproven');
  });

  it('fail when a call is no job’s, of another tool, target or time', () => {
    const { intent } = fullCeremony();
    const tuple = { ...intent.tuple, principal_id: bob.object_id };
    for (const call of [
      { job: 'job/x' },
      { job: null },
      { tool: TOOLS.write },
      { tuple },
      { intent_digest: '0'.repeat(64) },
    ])
      expect(failuresOf({ call })).toContain('job_unproven');
    expect(failuresOf({ after: 30 + 32 })).toEqual(['job_unproven']);
    expect(failuresOf({ after: -5 })).toEqual(['job_unproven']);
  });

  it('fail when another role answers for a call than the one of the ceremony', () => {
    const call = { tool: TOOLS.read, kind: 'entra.group_membership' };
    expect(failuresOf({ type: 'tool_wrote', call })).not.toEqual([]);
    expect(failuresOf({ type: 'tool_wrote', call: { tool: TOOLS.read } })).toEqual([]);
  });

  it('fail where the profile lets none in', () => {
    const { ceremony, payloads } = withJob();
    const entries = payloads.map((entry, index) => ({ seq: index + 1, entry, body: sign(entry).envelope }));
    const judge = (jobs: boolean): string[] => {
      const findings = new BundleFindings();
      const authority = { request: ceremony.request, acts: [], intent: { seq: 2, intent: ceremony.intent } };
      const predicate = { policy: { profiles: { [ceremony.request.profile]: { jobs } } } };
      proveJobs(authority as never, predicate as never, entries, testTrust(), findings);
      return findings.errors.map(({ message }) => message);
    };
    expect(judge(true)).toEqual([]);
    expect(judge(false)[0]).toContain('jobs_not_allowed');
  });

  it('may be ended after the window', () => {
    expect(failuresOf({ after: 30 + 32, type: 'tool_removed', call: { tool: TOOLS.read } })).toEqual([]);
  });
});

describe('receipts of model calls', () => {
  const RECEIPT = 'a'.repeat(64);
  function judged(wanted: boolean, named: string[], handedIn = true) {
    const { ceremony, payloads } = withJob({ call: { model_receipts: named } });
    const { event_id } = ceremony.request;
    const receipt = entryOf(event_id, 'model_receipt', 'tool/0', Date.parse(ceremony.intent.issued_at), {
      digest: RECEIPT,
    });
    const entries = [...(handedIn ? [receipt] : []), ...payloads].map((entry, index) => ({
      seq: index + 1,
      entry,
      body: sign(entry).envelope,
    }));
    const findings = new BundleFindings();
    const authority = { request: ceremony.request, acts: [], intent: { seq: 2, intent: ceremony.intent } };
    const predicate = { policy: { contract: { audit: { require_gateway_receipts: wanted } } } };
    proveJobs(authority as never, predicate as never, entries, testTrust(), findings);
    return findings.facts;
  }

  it('are counted, and calls that name none are listed where the contract wants them to', () => {
    expect(judged(true, [])).toMatchObject({ model_receipts: 1, calls_without_receipt: ['tool/1'] });
    expect(judged(true, [RECEIPT])).toMatchObject({ calls_without_receipt: [] });
    expect(judged(true, [RECEIPT], false)).toMatchObject({ model_receipts: 0, calls_without_receipt: ['tool/1'] });
    expect(judged(false, [])).toMatchObject({ calls_without_receipt: null });
  });
});
