import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTEST_SCHEDULE_ID, attestRoundSchema } from '../../domain/incidents/attestation-report.js';
import { instant } from '../../domain/identifiers.js';
import { ROLES, TASK_QUEUES } from '../../domain/roles.js';
import { STATEMENT_DOMAIN } from '../../domain/statement.js';
import { sha256Hex } from '../../proofs/canonical-json.js';
import { makeReference } from '../../proofs/incidents/make-reference.js';
import { ensureAttestSchedule } from '../../workers/attest-schedule.js';
import { attestationSettingsSchema } from '../../workers/attestation-settings.js';
import { readRoleContext } from '../../workers/role-context.js';
import { startRoles, type RunningRoles } from '../../workers/start-roles.js';
import { sized, softwareAk } from '../proofs/tpm/software-quote.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { signWith } from '../support/signing.js';

const HOST = 'vault-1';
const EVERY = 3600;

describe('a round of scheduled attestations', () => {
  let stack: CeremonyStack;
  let verifier: RunningRoles | undefined;
  let agent: Server;
  beforeAll(async () => {
    // An agent that refuses whoever asks.
    agent = createServer((_request, response) =>
      response.writeHead(401).end(JSON.stringify({ error: { code: 'unauthorized', message: 'not you' } })),
    );
    await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
    stack = await CeremonyStack.start({ roles: ROLES.filter((role) => role !== 'verifier') });
    const { layout, settings, database } = stack.stack;
    const token = join(layout.root, 'agent-token');
    writeFileSync(token, 'a-token-of-at-least-thirty-two-characters', { mode: 0o600 });
    const url = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
    const hosts = { [HOST]: { attest_agent: { url, token_file: token } } };
    writeFileSync(join(layout.root, 'attested.yaml'), JSON.stringify({ schema: 'reseal.hosts.v1', hosts }));
    enrol(layout.references);
    const attestation = attestationSettingsSchema.parse({ references_path: layout.references, every_seconds: EVERY });
    if (settings.verifier === undefined) throw new Error('no settings of the verifier');
    const own = { ...settings.verifier, hosts_path: join(layout.root, 'attested.yaml'), attestation };
    const context = await readRoleContext(
      { ...settings, roles: ['verifier'], verifier: own },
      database,
      () => undefined,
    );
    verifier = await startRoles(context);
  });
  afterAll(async () => {
    await verifier?.stop();
    await stack?.stop();
    agent?.close();
  });

  function enrol(folder: string): void {
    const [ek, ak] = [sized(softwareAk('rsassa').area), sized(softwareAk('ecdsa').area)];
    const at = instant(Date.now());
    const pcrs = { sha256: { '7': '11'.repeat(32) } };
    const shown = { host: HOST, ek, ak, ekChain: [], eventLog: false, pcrs, label: 'installed', by: 'bob', at };
    const reference = makeReference(shown);
    const said = { domain: STATEMENT_DOMAIN, act: 'enroll_host', host: HOST, person: 'bob' };
    const when = { issued_at: at, not_after: instant(Date.now() + 3_600_000) };
    const statement = { ...said, ...when, reference_digest: sha256Hex(reference) };
    const acceptances = [signWith(stack.keyOf('bob'), statement)];
    mkdirSync(folder, { recursive: true });
    const file = { schema: 'reseal.signed_host_reference.v1', reference, acceptances };
    writeFileSync(join(folder, `${HOST}.1.json`), JSON.stringify(file));
  }

  it('opens an incident for a host that is refused, by itself', async () => {
    const { client, database } = stack.stack;
    const options = { workflowId: 'a-round', taskQueue: TASK_QUEUES.ceremonies };
    const round: unknown = await client.workflow.execute('reattestHosts', options);
    expect(attestRoundSchema.parse(round)).toEqual({
      hosts: [{ host: HOST, outcome: 'refused', reason: 'NO_EVIDENCE' }],
    });
    const opened = (): Promise<Record<string, unknown>[]> =>
      database.query('SELECT class, host, reporter FROM register.incidents');
    while ((await opened()).length === 0) await sleep(100);
    expect(await opened()).toEqual([{ class: 'attestation_failure', host: HOST, reporter: 'verifier' }]);
  });

  it('comes by a schedule that the verifier keeps, and mends when it was changed', async () => {
    const { client } = stack.stack;
    const ensure = (): Promise<string> => ensureAttestSchedule(client, EVERY);
    while ((await ensure()) !== 'kept') await sleep(100);
    const handle = client.schedule.getHandle(ATTEST_SCHEDULE_ID);
    expect((await handle.describe()).action).toMatchObject({ workflowType: 'reattestHosts' });
    await handle.update((found) => ({ ...found, spec: { intervals: [{ every: 7 * 24 * 3600 * 1000 }] } }));
    expect([await ensure(), await ensure()]).toEqual(['mended', 'kept']);
  });
});
