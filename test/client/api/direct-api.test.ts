import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AUTHORITY_MIGRATIONS } from '../../../activities/authority/authority-migrations.js';
import { systemClock } from '../../../activities/clock.js';
import { ceremoniesTasks } from '../../../activities/evidence/ceremonies-tasks.js';
import type { Database } from '../../../activities/register/database.js';
import { openPglite } from '../../../activities/register/database-pglite.js';
import { eventReader } from '../../../activities/register/events.js';
import { REGISTER_MIGRATIONS } from '../../../activities/register/register-migrations.js';
import { registerTasks } from '../../../activities/register/register-tasks.js';
import { DirectApi } from '../../../client/api/direct-api.js';
import type { RegisterReader } from '../../../client/api/register-reader.js';
import type { StatementAnswer } from '../../../client/api/reseal-api.js';
import { givenInForce } from '../../../deploy/local/stack/given-in-force.js';
import { startTemporalServer, type TemporalServer } from '../../../deploy/local/temporal/start-temporal.js';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../../domain/roles.js';
import { NO_USAGE } from '../../../domain/usage.js';
import type { NoticeView } from '../../../domain/notice-view.js';
import type { CeremonyView } from '../../../domain/view.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { clientDataConverter, converterPaths } from '../../../workers/codec/data-converter.js';
import { makeKeyring } from '../../../workers/codec/keyring.js';
import { realTemporalCli } from '../../deploy/local/temporal/real-temporal.js';
import { workerDataConverterFromSource } from '../../workers/codec/fixtures/compiled-converters.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedAct, signedRequest, signedReview } from '../signed.js';

const TOLD: NoticeView[] = [{ id: 'notice_1', type: 'requested', at: '2026-01-01T00:00:00.000Z', deliveries: [] }];
const { cli, reason } = await realTemporalCli();
const keyring = makeKeyring('k-1', [['k-1', randomBytes(32)]]);
const newId = (): string => randomBytes(8).toString('hex');
const inForce = { policy: testPolicy, digest: digestOf(testPolicy) };
const skipped = reason === null ? '' : ` (skipped: ${reason})`;

let folder: string;
let server: TemporalServer;
let connection: Connection;
let client: Client;
let people: People;
let api: DirectApi;
let waiting = { id: '', digest: '' };
let reviewed = { id: '', review: { payload: '', signature: '' } };

const apiWith = (register: RegisterReader | null): DirectApi =>
  new DirectApi({
    client,
    uiUrl: 'http://127.0.0.1:8233/',
    register,
    queryMs: 1_000,
    policy: async () => inForce,
    roster: async () => people.roster,
  });

describe.skipIf(reason !== null)(`the api over a real Temporal server${skipped}`, () => {
  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    folder = mkdtempSync(join(tmpdir(), 'reseal-direct-'));
    people = makePeople();
    const logPath = join(folder, 'temporal.log');
    server = await startTemporalServer({ cli, dbPath: null, searchAttributes: SEARCH_ATTRIBUTES, logPath });
    connection = await Connection.connect({ address: server.address });
    client = new Client({ connection, dataConverter: clientDataConverter(keyring) });
    api = apiWith(null);
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
    people.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('when no worker runs', () => {
    it('starts a ceremony once: the same request joins it, another under its id is refused', async () => {
      const id = newId();
      const request = aliceAsks(id);
      const envelope = await signedRequest(people, request);
      const opened = await api.open(envelope, id);
      expect(opened).toMatchObject({ event_id: id, workflow_id: `breakglass/${id}` });
      expect(await api.open(envelope, id)).toEqual(opened);
      const other = await signedRequest(people, { ...request, duration_seconds: 3600 });
      await expect(api.open(other, id)).rejects.toMatchObject({ code: 'event_id_taken', exit: 2 });
      await expect(api.open(envelope, newId())).rejects.toMatchObject({ code: 'malformed' });
    });

    it('answers what was asked from the history alone, and that nobody answers', async () => {
      const id = newId();
      const envelope = await signedRequest(people, aliceAsks(id));
      const { run_id } = await api.open(envelope, id);
      expect(await api.request(id)).toEqual(envelope);
      const view = await api.get(id);
      expect(view).toMatchObject({ state: 'requested', invoker: 'alice@example.test', run_id });
      expect(view.flags).toEqual(['worker_not_answering']);
      expect(view.ui_url).toBe(
        `http://127.0.0.1:8233/namespaces/default/workflows/breakglass%2F${id}/${run_id}/history`,
      );
      expect(Math.abs(Date.parse(view.now) - Date.now())).toBeLessThan(10_000);
    });

    it('keeps a kill that is said meanwhile, and says that it waits', async () => {
      const id = newId();
      const request = aliceAsks(id);
      await api.open(await signedRequest(people, request), id);
      const { digest } = await api.speak(id, 'kill', await signedAct(people, 'alice', 'kill', request));
      expect(await api.verdict(id, digest)).toMatchObject({ status: 'pending' });
      waiting = { id, digest };
    });

    it('encrypts what it starts with, the summary too', async () => {
      const id = newId();
      const { run_id } = await api.open(await signedRequest(people, aliceAsks(id)), id);
      const execution = { workflowId: `breakglass/${id}`, runId: run_id };
      const history = await client.workflowService.getWorkflowExecutionHistory({ namespace: 'default', execution });
      const text = JSON.stringify(history, (_key, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
      );
      expect(text).not.toContain('INC-4711');
      expect(text).not.toContain('alice');
      const described = await client.workflow.getHandle(`breakglass/${id}`).describe();
      expect(await described.staticSummary()).toBe('Security Administrator for alice@example\\.test 30m (incident)');
    });

    it('lists by what was asked, through visibility', async () => {
      const id = newId();
      await api.open(await signedRequest(people, aliceAsks(id, { profile: 'only-this', duration_seconds: 900 })), id);
      await expect
        .poll(async () => (await api.list({ profile: 'only-this', open: true })).map((view) => view.event_id), {
          timeout: 15_000,
        })
        .toEqual([id]);
      expect(await api.list({ profile: 'only-this', state: 'active' })).toEqual([]);
      expect(await api.list({ profile: 'only-this', invoker: 'eve@example.test' })).toEqual([]);
    });

    it('lists overdue rollbacks without a register, and says that reviews need one', async () => {
      expect(await api.list({ overdue: true })).toEqual([]);
      await expect(api.list({ review_owed: true })).rejects.toMatchObject({ code: 'needs_register' });
      await expect(api.list({ waiting_for: 'nobody' })).rejects.toMatchObject({ code: 'unknown_person' });
      expect(await api.list({ waiting_for: 'bob', profile: 'no-such-profile' })).toEqual([]);
    });

    it('keeps a review, and says that it waits; the same again joins it', async () => {
      const request = aliceAsks(newId());
      const review = await signedReview(people, 'bob', request, 'As it should be');
      const pending = await api.review(request.event_id, review);
      expect(pending).toMatchObject({ status: 'pending', digest: digestOf(review) });
      const workflowId = `review/${request.event_id}/${pending.digest.slice(0, 16)}`;
      const { runId, status } = await client.workflow.getHandle(workflowId).describe();
      expect(status.name).toBe('RUNNING');
      expect(await api.review(request.event_id, review)).toEqual(pending);
      expect((await client.workflow.getHandle(workflowId).describe()).runId).toBe(runId);
      await expect(api.review(newId(), review)).rejects.toMatchObject({ code: 'malformed' });
      const approval = await signedAct(people, 'bob', 'approve', request);
      await expect(api.review(request.event_id, approval)).rejects.toMatchObject({ code: 'malformed' });
      reviewed = { id: request.event_id, review };
    });

    it('tells an event that never was from one that has ended', async () => {
      const id = newId();
      const request = aliceAsks(id);
      const kill = await signedAct(people, 'alice', 'kill', request);
      const questions = [
        () => api.get(id),
        () => api.request(id),
        () => api.speak(id, 'kill', kill),
        () => api.verdict(id, 'a'.repeat(64)),
      ];
      for (const ask of questions) await expect(ask()).rejects.toMatchObject({ code: 'not_found', exit: 2 });
      await api.open(await signedRequest(people, request), id);
      await client.workflow.getHandle(`breakglass/${id}`).terminate();
      await expect(api.speak(id, 'kill', kill)).rejects.toMatchObject({ code: 'ceremony_ended', exit: 4 });
    });

    it('needs a register for ledgers and bundles, and says what to set', async () => {
      const needed = {
        code: 'needs_register',
        exit: 6,
        hint: expect.stringContaining('RESEAL_DATABASE_URL') as string,
      };
      await expect(api.ledger(newId())).rejects.toMatchObject(needed);
      await expect(api.bundle(newId())).rejects.toMatchObject(needed);
    });

    it('believes the register about what has ended, and answers a refusal at admission', async () => {
      const [ended, refused] = [newId(), newId()];
      const at = '2026-01-01T00:00:00.000Z';
      const view = { event_id: ended, workflow_id: `breakglass/${ended}`, state: 'expired', flags: [] as string[] };
      const register: RegisterReader = {
        getEvent: async (id) => (id === ended ? (view as unknown as CeremonyView) : undefined),
        listEvents: async () => [view as unknown as CeremonyView],
        openFor: async () => [],
        ledgerOf: async () => [],
        noticesOf: async (id) => (id === ended ? TOLD : []),
        bundleOf: async (id) => (id === ended ? { bundle: '{}' } : undefined),
        refusalOf: async (id) => (id === refused ? { code: 'cooldown', message: 'wait 5m', at } : undefined),
        usage: async () => NO_USAGE,
        auditLines: async () => [],
        importedEvents: async () => [],
        importedEvent: async () => undefined,
      };
      const read = apiWith(register);
      await read.open(await signedRequest(people, aliceAsks(refused)), refused);
      expect(await read.get(ended)).toMatchObject({ state: 'expired', event_id: ended });
      expect(await read.get(refused)).toMatchObject({
        state: 'refused',
        refusal: { code: 'cooldown', message: 'wait 5m' },
        invoker: 'alice@example.test',
        ended_at: at,
      });
      expect(await read.bundle(ended)).toBe('{}');
      expect(await read.notices(ended)).toEqual(TOLD);
      expect(await read.notices(refused)).toEqual([]);
      await expect(read.bundle(refused)).rejects.toMatchObject({ code: 'bundle_not_ready' });
      expect(await read.list({ state: 'active' })).toEqual([]);
      expect(await read.list({ state: 'expired' })).toHaveLength(1);
    });

    it('does without a register that is down, except where it is the only source', async () => {
      const down = (): Promise<never> => Promise.reject(new Error('down'));
      const read = apiWith({
        getEvent: down,
        listEvents: down,
        openFor: down,
        ledgerOf: down,
        noticesOf: down,
        bundleOf: down,
        refusalOf: down,
        usage: down,
        auditLines: down,
        importedEvents: down,
        importedEvent: down,
      });
      const id = newId();
      await read.open(await signedRequest(people, aliceAsks(id)), id);
      expect(await read.get(id)).toMatchObject({ event_id: id, state: 'requested' });
      await expect(read.ledger(id)).rejects.toMatchObject({ code: 'register_unreachable', exit: 6 });
      await expect(read.notices(id)).rejects.toMatchObject({ code: 'register_unreachable', exit: 6 });
    });

    it('cannot read what was encrypted with another key, and says which key it needs', async () => {
      const id = newId();
      await api.open(await signedRequest(people, aliceAsks(id)), id);
      const other = new Client({
        connection,
        dataConverter: clientDataConverter(makeKeyring('k-2', [['k-2', randomBytes(32)]])),
      });
      const blind = new DirectApi({
        client: other,
        uiUrl: null,
        register: null,
        queryMs: 1_000,
        policy: async () => inForce,
        roster: async () => people.roster,
      });
      await expect(blind.request(id)).rejects.toMatchObject({ code: 'no_answer', exit: 6 });
      expect(await blind.get(id)).toMatchObject({ state: 'requested', invoker: null, ui_url: null });
    });
  });

  describe('when the ceremonies and the register answer', () => {
    let native: NativeConnection;
    let workers: Worker[];
    let running: Promise<void>[];
    let database: Database;

    beforeAll(async () => {
      const workflowsPath = fileURLToPath(new URL('../../../workflows/index.ts', import.meta.url));
      native = await NativeConnection.connect({ address: server.address });
      database = await openPglite(null);
      await database.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
      const roster = () => people.roster;
      const key = generateRoleKey();
      const roleKeys = (): undefined => undefined;
      const log = (): void => undefined;
      const known = givenInForce(() => inForce, roster);
      const register = { database, key, clock: systemClock, ...known, roleKeys, log };
      const common = { connection: native, dataConverter: workerDataConverterFromSource(keyring) };
      workers = [
        await Worker.create({
          ...common,
          taskQueue: TASK_QUEUES.ceremonies,
          workflowBundle: await bundleWorkflowCode({
            workflowsPath,
            ...converterPaths,
            logger: new DefaultLogger('ERROR'),
          }),
          activities: ceremoniesTasks({ roster }),
        }),
        await Worker.create({ ...common, taskQueue: TASK_QUEUES.register, activities: registerTasks(register) }),
      ];
      // Of what nobody has answered yet, one is left: a person has one open request under a profile.
      for await (const { workflowId } of client.workflow.list({ query: "ExecutionStatus = 'Running'" })) {
        const kept = [`breakglass/${waiting.id}`, `review/${reviewed.id}`].some((id) => workflowId.startsWith(id));
        if (!kept) await client.workflow.getHandle(workflowId).terminate();
      }
      running = workers.map((worker) => worker.run());
      listed = apiWith(eventReader(database));
    });
    beforeEach(async () => {
      await expect.poll(() => listed.list({ open: true }), { timeout: 15_000 }).toEqual([]);
    });
    afterAll(async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await native.close();
      await database.close();
    });

    let listed: DirectApi;
    const answer = async (id: string, digest: string): Promise<StatementAnswer> => {
      for (;;) {
        const told = await api.verdict(id, digest);
        if (told.status !== 'pending') return told;
      }
    };

    it('hears a kill that was said while no worker ran', async () => {
      expect(await answer(waiting.id, waiting.digest)).toMatchObject({ status: 'accepted' });
    });

    it('answers with its own view, hears statements in words, and ends', async () => {
      const id = newId();
      const request = aliceAsks(id);
      await api.open(await signedRequest(people, request), id);
      await expect.poll(async () => (await api.get(id)).approvals_wanted, { timeout: 15_000 }).toBe(2);
      const early = await api.speak(id, 'approve', await signedAct(people, 'alice', 'approve', request));
      expect(await answer(id, early.digest)).toMatchObject({
        status: 'refused',
        reason: 'is_invoker',
        message: 'the invoker cannot approve their own request',
      });
      expect(await api.get(id)).toMatchObject({
        state: 'awaiting_approval',
        approvals_wanted: 2,
        refused_statements: 1,
      });
      const kill = await api.speak(id, 'kill', await signedAct(people, 'alice', 'kill', request));
      expect(await answer(id, kill.digest)).toMatchObject({ status: 'accepted' });
      expect(await api.get(id)).toMatchObject({ state: 'cancelled', cause: 'kill', ended_by: 'alice' });
    });

    it('answers a request that it refuses', async () => {
      const id = newId();
      await api.open(await signedRequest(people, aliceAsks(id, { profile: 'nope' })), id);
      await expect.poll(async () => (await api.get(id)).refusal?.code, { timeout: 15_000 }).toBe('profile_unknown');
      expect(await api.get(id)).toMatchObject({ state: 'refused', status: null });
    });

    it('lists what was refused, with what would have let it in', async () => {
      const id = newId();
      await listed.open(await signedRequest(people, aliceAsks(id, { profile: 'not-there' })), id);
      await expect.poll(async () => (await listed.list({ state: 'refused', profile: 'not-there' })).length).toBe(1);
      const [view] = await listed.list({ state: 'refused', profile: 'not-there' });
      expect(view).toMatchObject({ event_id: id, invoker_person: 'alice', refusal: { code: 'profile_unknown' } });
    });

    it('lists what waits for a person, and not what they have approved', async () => {
      const id = newId();
      const request = aliceAsks(id);
      await listed.open(await signedRequest(people, request), id);
      const waitingFor = async (name: string) =>
        (await listed.list({ waiting_for: name })).map((view) => view.event_id);
      await expect.poll(() => waitingFor('bob'), { timeout: 15_000 }).toEqual([id]);
      expect(await waitingFor('carol@example.test')).toEqual([id]);
      expect(await waitingFor('alice')).toEqual([]);
      const { digest } = await listed.speak(id, 'approve', await signedAct(people, 'bob', 'approve', request));
      expect(await answer(id, digest)).toMatchObject({ status: 'accepted' });
      expect(await waitingFor('bob')).toEqual([]);
      expect(await waitingFor('carol')).toEqual([id]);
      // Without the register, from visibility.
      await expect
        .poll(async () => (await api.list({ waiting_for: 'carol' })).map((view) => view.event_id))
        .toEqual([id]);
      expect(await api.list({ waiting_for: 'bob' })).toEqual([]);
      const kill = await listed.speak(id, 'kill', await signedAct(people, 'alice', 'kill', request));
      expect(await answer(id, kill.digest)).toMatchObject({ status: 'accepted' });
      await expect.poll(() => waitingFor('carol'), { timeout: 15_000 }).toEqual([]);
      const review = await signedReview(people, 'bob', request);
      expect(await listed.review(id, review)).toMatchObject({ status: 'refused', reason: 'never_granted' });
    });

    it('answers the review that waited, and the same again for ever', async () => {
      const { id, review } = reviewed;
      expect(await api.review(id, review)).toMatchObject({ status: 'refused', reason: 'event_unknown' });
      expect(await api.review(id, review)).toMatchObject({ status: 'refused', reason: 'event_unknown' });
    });

    it('sends a review again when somebody ended its workflow', async () => {
      const request = aliceAsks(newId());
      const review = await signedReview(people, 'bob', request);
      const workflowId = `review/${request.event_id}/${digestOf(review).slice(0, 16)}`;
      await client.workflow.start('review', { workflowId, taskQueue: 'nobody-listens', args: [{}] });
      await client.workflow.getHandle(workflowId).terminate();
      expect(await api.review(request.event_id, review)).toMatchObject({ reason: 'event_unknown' });
    });

    it('reads the request from the ledger once Temporal has forgotten it', async () => {
      const [request] = [aliceAsks(newId())];
      const envelope = await signedRequest(people, request);
      const { event_id } = request;
      await listed.open(envelope, event_id);
      await expect.poll(async () => (await listed.get(event_id)).state).toBe('awaiting_approval');
      const kill = await listed.speak(event_id, 'kill', await signedAct(people, 'alice', 'kill', request));
      expect(await answer(event_id, kill.digest)).toMatchObject({ status: 'accepted' });
      const workflowExecution = { workflowId: `breakglass/${event_id}` };
      await client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });
      await expect
        .poll(() => api.request(event_id).catch((error: { code: string }) => error.code), { timeout: 20_000 })
        .toBe('not_found');
      expect(await listed.request(event_id)).toEqual(envelope);
    });
  });
});
