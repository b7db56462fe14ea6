import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { gatewayApp } from '../../../client/gateway/gateway-app.js';
import type { Runbook } from '../../../client/gateway/runbook.js';
import { ReportRate, tokenTableSchema, type Bearer } from '../../../client/gateway/runbook-tokens.js';
import { fileSigner } from '../../../client/keys/file-signer.js';
import { instant } from '../../../domain/identifiers.js';
import { STATEMENT_DOMAIN } from '../../../domain/statement.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { containmentBinding } from '../../../proofs/incidents/containment-binding.js';
import { verifyForensicBundle } from '../../../proofs/incidents/forensic-bundle.js';
import { MachineApi } from '../machine-api.js';
import { MemoryIncidents } from '../memory-incidents.js';
import { makePeople, testPolicy, type People } from '../people.js';

const NOW = Date.parse('2026-03-14T12:00:00.500Z');
const ID = 'INC-20260314-120000-0001';
const KEY = '5a'.repeat(32);
const TOKENS = { bob: 'b'.repeat(40), sensor: 's'.repeat(40), gone: 'g'.repeat(40) };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const table = tokenTableSchema.parse({
  version: 1,
  tokens: [
    { name: 'bob-laptop', sha256: sha256(TOKENS.bob), person: 'bob', operate: true },
    {
      name: 'attestor',
      sha256: sha256(TOKENS.sensor),
      person: 'carol',
      report: { sources: ['runtime-attestor'], classes: ['attestation_failure'], targets: ['edge-1'], per_minute: 2 },
    },
    { name: 'gone', sha256: sha256(TOKENS.gone), person: 'dave', operate: true },
  ],
});
const LOOPBACK: Bearer = {
  name: 'loopback',
  person: 'bob',
  operate: true,
  report: { sources: null, classes: null, targets: null, per_minute: 600 },
};
const FAILURE = { class: 'attestation_failure', source: 'runtime-attestor', description: 'PCR 7 <differs>' };

let people: People;
let incidents: MemoryIncidents;
let app: Hono;

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
const serve = (change: Partial<Runbook> = {}): void => {
  const runbook: Runbook = {
    api: incidents,
    tokens: async () => table.tokens,
    roster: async () => people.roster,
    rate: new ReportRate(() => NOW),
    now: () => NOW,
    waitMs: 0,
    ...change,
  };
  app = gatewayApp({ api: new MachineApi({ policy: testPolicy, roster: people.roster, now: () => NOW }), runbook });
};
beforeEach(() => {
  let tick = 0;
  incidents = new MemoryIncidents(() => NOW + tick++);
  serve();
});

const call = async (token: keyof typeof TOKENS | null, path: string, body?: unknown): Promise<[number, unknown]> => {
  const response = await app.request(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${TOKENS[token]}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
};
const bodyOf = async <T>(token: keyof typeof TOKENS | null, path: string): Promise<T> =>
  (await call(token, path))[1] as T;
const ack = (token: keyof typeof TOKENS | null, more: object = {}) =>
  call(token, '/api/v1/recovery/ack', { incident_id: ID, operator: 'bob', ...more });
const bindingOf = (): string => incidents.records.get(ID)?.view.containment_binding ?? '';

async function signedBy(name: string, act: 'acknowledge' | 'resolve', change: object = {}) {
  const validity = { issued_at: instant(NOW), not_after: instant(NOW + 600_000) };
  const common = { domain: STATEMENT_DOMAIN, incident_id: ID, containment_binding: bindingOf(), person: name };
  const statement = canonicalJson({ ...common, ...validity, act, ...change });
  const signer = await fileSigner(people.keyOf(name));
  return { statement, signature: await signer.sign(Buffer.from(statement), STATEMENT_DOMAIN) };
}

describe("the runbook's ceremony, as its document prints it, on a machine's own loopback", () => {
  beforeEach(async () => {
    incidents.compatAck = true;
    serve({
      loopback: LOOPBACK,
      defaultHost: 'edge-1',
      forensic: { key: async () => KEY, policyDigest: async () => 'd' },
    });
    expect((await call(null, '/api/v1/incidents/report', FAILURE))[0]).toBe(201);
  });

  it('goes from detection to trust', async () => {
    expect(await call(null, '/health')).toEqual([200, { status: 'ok', open_incidents: 1, total_incidents: 1 }]);
    const listed = await bodyOf<object[]>(null, '/api/v1/incidents?state=contained');
    const contained = {
      id: ID,
      created_at: '2026-03-14T12:00:00Z',
      ...FAILURE,
      severity: 'critical',
      state: 'contained',
      containment_actions: ['freeze_agent', 'disable_airlock', 'force_vault_relock'],
    };
    expect(listed).toEqual([
      {
        ...contained,
        containment_results: expect.any(Array) as unknown[],
        hash: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      },
    ]);
    expect(await call(null, `/api/v1/incidents/get?id=${ID}`)).toEqual([200, listed[0]]);
    const waits = { incident_id: ID, require_ack: true, require_reattest: true, acked_at: '', acked_by: '' };
    expect((await call(null, '/api/v1/recovery/status'))[1]).toMatchObject({
      pending_recoveries: [{ ...waits, re_attested_at: '', recovery_complete: false, containment_latch_active: true }],
      count: 1,
    });
    expect(await ack(null, { operator: 'admin@secai' })).toEqual([200, { status: 'acknowledged' }]);
    expect((await call(null, '/api/v1/recovery/status'))[1]).toMatchObject({
      pending_recoveries: [{ acked_at: '2026-03-14T12:00:00Z', acked_by: 'bob', recovery_complete: false }],
    });
    incidents.attests = [{ state: 'passed' }];
    expect(await call(null, '/api/v1/recovery/reattest', { incident_id: ID })).toEqual([
      200,
      { status: 're-attestation recorded' },
    ]);
    expect(await call(null, '/api/v1/recovery/status')).toEqual([200, { pending_recoveries: [], count: 0 }]);
    const [status, resolved] = await call(null, '/api/v1/incidents/resolve', { id: ID });
    expect([status, resolved]).toMatchObject([
      200,
      { ...contained, state: 'resolved', resolved_at: '2026-03-14T12:00:00Z' },
    ]);
    expect(await call(null, '/health')).toEqual([200, { status: 'ok', open_incidents: 0, total_incidents: 1 }]);
    expect(await call(null, '/api/v1/stats')).toEqual([
      200,
      {
        total_incidents: 1,
        open_incidents: 0,
        contained_count: 1,
        resolved_count: 1,
        by_class: { attestation_failure: 1 },
        open_by_severity: {},
      },
    ]);
  });

  it('shows a binding that whoever reads the incident computes', async () => {
    type Pending = Parameters<typeof containmentBinding>[0] & { containment_binding: string };
    const { pending_recoveries } = await bodyOf<{ pending_recoveries: Pending[] }>(null, '/api/v1/recovery/status');
    const [pending] = pending_recoveries;
    if (pending === undefined) throw new Error('nothing is pending');
    expect(containmentBinding(pending)).toBe(pending.containment_binding);
  });

  it('exports a forensic bundle that verifies, and says which word was a bearer’s', async () => {
    await ack(null);
    const response = await app.request('/api/v1/forensic/export');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(verifyForensicBundle(bytes, KEY)).toMatchObject({ ok: true, incidents: [{ id: ID, state: 'contained' }] });
    const bundle = JSON.parse(bytes.toString()) as { audit_entries: string[]; system_state: object };
    expect(bundle.audit_entries.map((entry) => JSON.parse(entry) as unknown)).toContainEqual(
      expect.objectContaining({ event: 'acknowledged', person: 'bob', method: 'bearer' }),
    );
    expect(bundle.system_state).toMatchObject({ note: expect.stringContaining('compatibility output') as string });
  });
});

describe('who may call', () => {
  beforeEach(async () => {
    await call('sensor', '/api/v1/incidents/report', FAILURE);
  });

  it.each([
    ['/api/v1/incidents', undefined],
    [`/api/v1/incidents/get?id=${ID}`, undefined],
    ['/api/v1/recovery/status', undefined],
    ['/api/v1/stats', undefined],
    ['/api/v1/forensic/export', undefined],
    ['/api/v1/incidents/report', FAILURE],
    ['/api/v1/recovery/ack', { incident_id: ID, operator: 'bob' }],
    ['/api/v1/recovery/reattest', { incident_id: ID }],
    ['/api/v1/incidents/resolve', { id: ID }],
    [`/v1/incidents/${ID}/reattest`, {}],
  ])('asks for a token at %s', async (path, body) => {
    expect(await call(null, path, body)).toMatchObject([401, { error: { code: 'token_missing' } }]);
    const headers = { authorization: `Bearer ${'x'.repeat(40)}`, 'content-type': 'application/json' };
    const method = body === undefined ? 'GET' : 'POST';
    const other = await app.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    expect([other.status, await other.json()]).toMatchObject([401, { error: { code: 'token_unknown' } }]);
  });

  it('lets a sensor report within its scope, and do nothing else', async () => {
    const report = (change: object) => call('sensor', '/api/v1/incidents/report', { ...FAILURE, ...change });
    for (const [field, change] of Object.entries({
      class: { class: 'integrity_violation' },
      source: { source: 'somebody' },
      host: { host: 'edge-2' },
    }))
      expect(await report(change)).toMatchObject([403, { error: { code: 'token_scope', field } }]);
    expect(incidents.reports).toHaveLength(1);
    expect(await call('sensor', '/api/v1/recovery/reattest', { incident_id: ID })).toMatchObject([
      403,
      { error: { code: 'token_scope' } },
    ]);
    expect(await call('bob', '/api/v1/incidents/report', FAILURE)).toMatchObject([
      403,
      { error: { code: 'token_scope' } },
    ]);
  });

  it('joins what is open, and refuses a report more than the token may make', async () => {
    expect(await call('sensor', '/api/v1/incidents/report', FAILURE)).toMatchObject([200, { id: ID }]);
    expect(await call('sensor', '/api/v1/incidents/report', FAILURE)).toMatchObject([429, { error: { code: 'busy' } }]);
    expect(incidents.reports.map(({ reporter, host }) => [reporter, host])).toEqual([
      ['attestor', 'edge-1'],
      ['attestor', 'edge-1'],
    ]);
  });

  it('refuses the token of somebody who is not on the roster', async () => {
    expect(await ack('gone')).toMatchObject([403, { error: { code: 'token_scope' } }]);
  });

  it('binds an acknowledgement to the person of the token, whatever the body says', async () => {
    incidents.compatAck = true;
    incidents.change(ID, { requirements: { ...(await incidents.get(ID)).view.requirements, signed: false } });
    expect(await ack('bob', { operator: 'carol@example.test' })).toMatchObject([403, { error: { field: 'operator' } }]);
    expect(await ack('bob', { operator: 'admin@secai' })).toMatchObject([
      400,
      { error: { code: 'malformed', field: 'operator' } },
    ]);
    expect((await incidents.get(ID)).view.acknowledgements).toEqual([]);
    expect(await ack('bob', { operator: 'BOB@example.test' })).toEqual([200, { status: 'acknowledged' }]);
    expect((await incidents.get(ID)).view.acknowledgements).toMatchObject([{ person: 'bob', method: 'bearer' }]);
  });
});

describe('what is not allowed now', () => {
  beforeEach(async () => {
    await call('sensor', '/api/v1/incidents/report', FAILURE);
  });
  const refusedFor = (...missing: string[]) => [409, { error: { code: 'recovery_incomplete', missing } }];

  it('is a latched incident acknowledged without a signature, and then with one it is acknowledged', async () => {
    expect(await ack('bob')).toMatchObject(refusedFor('signed_acknowledgement'));
    expect(await ack('bob', await signedBy('bob', 'acknowledge'))).toEqual([200, { status: 'acknowledged' }]);
    expect((await incidents.get(ID)).view.acknowledgements).toHaveLength(1);
    expect(await ack('bob', await signedBy('bob', 'acknowledge'))).toEqual([200, { status: 'acknowledged' }]);
    expect((await incidents.get(ID)).view.acknowledgements).toHaveLength(1);
  });

  it('is an acknowledgement of another containment, and one by another person than the token’s', async () => {
    const other = await signedBy('bob', 'acknowledge', { containment_binding: 'a'.repeat(64) });
    expect(await ack('bob', other)).toMatchObject([409, { error: { code: 'refused', missing: ['foreign_binding'] } }]);
    expect(await ack('bob', await signedBy('carol', 'acknowledge'))).toMatchObject([
      403,
      { error: { code: 'token_scope', field: 'statement' } },
    ]);
  });

  it('is resolving before acknowledgement and re-attestation: the answer says what is missing', async () => {
    expect(await call('bob', '/api/v1/incidents/resolve', { id: ID })).toMatchObject(
      refusedFor('signed_acknowledgement', 'attestation'),
    );
    await ack('bob', await signedBy('bob', 'acknowledge'));
    expect(await call('bob', '/api/v1/incidents/resolve', { id: ID })).toMatchObject(refusedFor('attestation'));
  });

  it('is a re-attestation that was refused, or has no answer: never the 200 of one that passed', async () => {
    const reattest = () => call('bob', '/api/v1/recovery/reattest', { incident_id: ID });
    incidents.attests = [{ state: 'refused', failed_check: 'PCR_VALUE', expected: 'sha256:7 one of 1 value' }];
    expect(await reattest()).toMatchObject([
      409,
      { error: { code: 'attestation_refused', message: 'PCR_VALUE: sha256:7 one of 1 value' } },
    ]);
    expect(await reattest()).toMatchObject([504, { error: { code: 'no_answer' } }]);
    const { view } = await incidents.get(ID);
    incidents.change(ID, { attestation: { ...view.attestation, state: 'passed' } });
    expect(await reattest()).toEqual([200, { status: 're-attestation recorded' }]);
    expect((await incidents.get(ID)).view.attestation.attempt).toBe(2);
  });

  it('is anything while the containment has not settled', async () => {
    incidents.change(ID, { containment_binding: null, state: 'containment_failed' });
    for (const [path, body] of [
      ['/api/v1/recovery/ack', { incident_id: ID, operator: 'bob' }],
      ['/api/v1/recovery/reattest', { incident_id: ID }],
      ['/api/v1/incidents/resolve', { id: ID }],
    ] as const)
      expect(await call('bob', path, body)).toMatchObject(refusedFor('containment_not_settled'));
  });

  it('is anything said of an incident that is resolved, but to resolve it again', async () => {
    incidents.change(ID, { state: 'resolved', resolved_at: instant(NOW), missing: [] });
    expect(await ack('bob')).toMatchObject([409, { error: { code: 'ceremony_ended' } }]);
    expect(await call('bob', '/api/v1/recovery/reattest', { incident_id: ID })).toMatchObject([409, {}]);
    expect(await call('bob', '/api/v1/incidents/resolve', { id: ID })).toMatchObject([200, { state: 'resolved' }]);
  });

  it('is an export by a gateway that has no key for it', async () => {
    expect(await call('bob', '/api/v1/forensic/export')).toMatchObject([
      503,
      { error: { code: 'needs_forensic_key' } },
    ]);
  });
});

describe('what is not understood', () => {
  beforeEach(async () => {
    await call('sensor', '/api/v1/incidents/report', FAILURE);
  });

  it.each([
    ['/api/v1/incidents?state=gone', undefined, 'state'],
    ['/api/v1/incidents?severity=worst', undefined, 'severity'],
    ['/api/v1/incidents?colour=red', undefined, 'colour'],
    ['/api/v1/incidents/get', undefined, 'id'],
    ['/api/v1/incidents/get?id=INC-1', undefined, 'id'],
    ['/api/v1/recovery/ack', { incident_id: ID }, 'operator'],
    ['/api/v1/recovery/ack', { incident_id: 'INC-1', operator: 'bob' }, 'incident_id'],
    ['/api/v1/recovery/ack', { incident_id: ID, operator: 'bob', more: 1 }, 'more'],
    ['/api/v1/recovery/ack', { incident_id: ID, operator: 'bob', statement: '{}' }, 'signature'],
    [
      '/api/v1/recovery/ack',
      { incident_id: ID, operator: 'bob', statement: '{}', signature: 'x'.repeat(40) },
      'statement',
    ],
    ['/api/v1/recovery/reattest', {}, 'incident_id'],
    ['/api/v1/incidents/resolve', { incident_id: ID }, 'id'],
  ])('is refused at %s with %j, naming the member, and changes nothing', async (path, body, field) => {
    const before = structuredClone(incidents.records);
    expect(await call('bob', path, body)).toMatchObject([400, { error: { code: 'malformed', field } }]);
    expect(incidents.records).toEqual(before);
  });

  it.each([
    [{ ...FAILURE, class: 'boredom' }, 'class'],
    [{ class: FAILURE.class }, 'source'],
    [{ ...FAILURE, evidence: { a: 1 } }, 'evidence.a'],
    [{ ...FAILURE, reporter: 'somebody-else' }, 'reporter'],
    [{ ...FAILURE, severity: 'awful' }, 'severity'],
  ])('is a report such as %j', async (report, field) => {
    expect(await call('sensor', '/api/v1/incidents/report', report)).toMatchObject([
      400,
      { error: { code: 'malformed', field } },
    ]);
    expect(incidents.reports).toHaveLength(1);
  });

  it.each([
    ['/api/v1/incidents?state=gone', undefined, 'filter: state: expected one of open, contained, '],
    ['/api/v1/incidents?limit=many', undefined, 'filter: limit: expected a number, got "many"'],
    ['/api/v1/incidents?limit=0', undefined, 'filter: limit: expected at least 1, got "0"'],
    ['/api/v1/incidents?open=maybe', undefined, 'filter: open: expected one of true, 1, false, 0, got "maybe"'],
    ['/api/v1/incidents/get', undefined, 'which incident: id: is missing: expected a text'],
    ['/api/v1/recovery/ack', { incident_id: ID }, 'acknowledgement: operator: is missing: expected a text'],
    ['/api/v1/recovery/ack', { incident_id: ID, operator: 7 }, 'acknowledgement: operator: expected a text, got 7'],
    [
      '/api/v1/recovery/reattest',
      { incident_id: 'INC-1' },
      're-attestation: incident_id: expected INC-YYYYMMDD-HHMMSS-NNNN, got "INC-1"',
    ],
    ['/api/v1/recovery/reattest', [ID], 're-attestation: expected an object, got a list'],
    [
      '/api/v1/incidents/resolve',
      { id: ID, statement: '{}', signature: 'short' },
      'resolve: signature: expected at least 32 characters, got "short"',
    ],
  ])('is told of %s with %j in words: the member, what was expected and what came', async (path, body, words) => {
    const [status, answer] = await call('bob', path, body);
    expect(status).toBe(400);
    expect((answer as { error: { message: string } }).error.message).toContain(words);
  });

  it('repeats no long text that somebody sent', async () => {
    const [, answer] = await call('sensor', '/api/v1/incidents/report', { ...FAILURE, description: 'd'.repeat(2001) });
    expect(answer).toMatchObject({
      error: { message: 'report: description: expected at most 2000 characters, got a text of 2001 characters' },
    });
  });

  it('is no JSON, and an incident that is not there', async () => {
    expect(await call('bob', '/api/v1/recovery/ack', '{')).toMatchObject([400, { error: { code: 'malformed' } }]);
    const other = 'INC-20260314-120000-0099';
    for (const [path, body] of [
      [`/api/v1/incidents/get?id=${other}`, undefined],
      ['/api/v1/recovery/ack', { incident_id: other, operator: 'bob' }],
      ['/api/v1/recovery/reattest', { incident_id: other }],
      ['/api/v1/incidents/resolve', { id: other }],
    ] as const)
      expect(await call('bob', path, body)).toMatchObject([404, { error: { code: 'not_found' } }]);
  });
});
