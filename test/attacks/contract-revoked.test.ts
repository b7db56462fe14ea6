import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, it, type ExpectStatic } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { ROLES, SIGNING_ROLES, type Role } from '../../domain/roles.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { exportRolePublicKey } from '../../proofs/role-key.js';
import { trustFileSchema } from '../../proofs/trust.js';
import { readRoleContext } from '../../workers/role-context.js';
import { readOrCreateRoleKey, roleKeyPath } from '../../workers/role-keys.js';
import type { WorkerSettings } from '../../workers/settings.js';
import { startRoles } from '../../workers/start-roles.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { ContractHands } from '../support/contract-hands.js';
import { aftermath, grantsIn } from '../support/good-end.js';
import { RawTemporal } from '../support/raw-temporal.js';
import { hurry, isOver } from '../support/records.js';

const EFFECT: Role = 'effect:entra.directory_role';
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function started(...without: Role[]): Promise<{ stack: CeremonyStack; hands: ContractHands }> {
  const roles = ROLES.filter((role) => !without.includes(role));
  const stack = await CeremonyStack.start({ roles });
  stops.push(() => stack.stop());
  return { stack, hands: await ContractHands.of(stack) };
}

/** Plays roles beside the stack's own; stopped at the end, unless it is stopped before. */
async function play(
  { stack }: CeremonyStack,
  roles: readonly Role[],
  over: Partial<WorkerSettings> = {},
): Promise<{ stop(): Promise<void> }> {
  const { settings, database } = stack;
  const context = await readRoleContext({ ...settings, ...over, roles: [...roles] }, database, () => undefined);
  const running = await startRoles(context);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= running.stop());
  stops.push(stop);
  return { stop };
}

/** New signing keys for all roles; the trust roots know them besides the old ones, as whoever rotates keys leaves them. */
async function rotated({ stack }: CeremonyStack): Promise<Partial<WorkerSettings>> {
  const { settings, layout } = stack;
  const trust = trustFileSchema.parse(JSON.parse(await readFile(layout.trust, 'utf8')));
  const directory = path.join(layout.root, 'rotated-keys');
  const over: Record<string, unknown> = {};
  for (const role of SIGNING_ROLES) {
    const { keyid, publicKey } = await readOrCreateRoleKey(directory, role);
    trust.roles.push({ role, keyid, public_key: exportRolePublicKey(publicKey) });
    over[role] = { ...settings[role], signing_key_path: roleKeyPath(directory, role) };
  }
  await writeFile(layout.trust, canonicalJson(trust));
  return over;
}

describe('a contract that is revoked', () => {
  it('while a ceremony waits for approvals: nothing is issued, and nobody was restarted', async ({ expect }) => {
    const { stack, hands } = await started();
    const asked = await stack.ask();
    await stack.approve(asked, 'bob');
    await hands.revoke({ contracts: [hands.inForce.digest] });
    await heard(hands, expect);
    await stack.approve(asked, 'carol');
    const view = await stack.until(asked.event, isOver);
    expect(view).toMatchObject({ status: null, refusal: { code: 'contract_revoked' } });
    expect(grantsIn(await stack.graph.truth(asked.tenant))).toBe(0);
  });

  it('between the intent and the grant: the effect refuses by its own look', async ({ expect }) => {
    const { stack, hands } = await started(EFFECT);
    const raw = new RawTemporal(stack);
    const asked = await stack.ask();
    await stack.approve(asked);
    await raw.pendingActivity(ceremonyWorkflowId(asked.event), 'apply');
    await hands.revoke({ contracts: [hands.inForce.digest] });
    await play(stack, [EFFECT]);
    const view = await hurry(stack, asked.event, isOver, { step: '1m', steps: 90 });
    expect(view).toMatchObject({ state: 'not_granted', refusal: { code: 'contract_revoked' } });
    const truth = await stack.graph.truth(asked.tenant);
    expect({ grants: grantsIn(truth), standing: truth.assignments }).toEqual({ grants: 0, standing: [] });
  });
});

describe('a list of revocations that nobody renewed', () => {
  it('blocks what is new, and says so by name', async ({ expect }) => {
    const { stack, hands } = await started();
    await hands.revoke({ fresh_until: new Date(Date.now() + 500).toISOString() });
    await expect
      .poll(
        async () => {
          const asked = await hands.askUnder(hands.inForce.digest);
          return (await stack.until(asked.event, ({ state }) => state !== 'requested')).refusal?.code;
        },
        { timeout: 20_000 },
      )
      .toBe('revocations_stale');
  });
});

describe('what stands', () => {
  it('is ended and proven with contract and roster revoked, registry and roots gone, authority down, keys rotated', async ({
    expect,
  }) => {
    const { stack, hands } = await started(...ROLES);
    const all = await play(stack, ROLES);
    const asked = await stack.activate();
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
    const rosters = await hands.registry.list('roster');
    await hands.revoke({ contracts: [hands.inForce.digest], rosters, keys: hands.keys.map(({ keyid }) => keyid) });
    await all.stop();
    const { layout } = stack.stack;
    await rm(layout.contracts, { recursive: true });
    await writeFile(layout.contractRoots, '');
    const keys = await rotated(stack);
    // Everything else starts anew with keys of its own, knowing of no contract, no roster and no signer.
    await play(
      stack,
      ROLES.filter((role) => role !== 'authority'),
      keys,
    );
    const confirmed = await hurry(stack, asked.event, ({ rollback }) => rollback.confirmed_at !== null, {
      step: '5m',
      steps: 30,
    });
    expect(confirmed).toMatchObject({ cause: 'deadline' });
    const truth = await stack.graph.truth(asked.tenant);
    expect(truth.assignments).toEqual([]);
    expect(truth.calls.filter(({ action }) => action === 'adminRemove').length).toBeGreaterThan(0);
    // The authority comes back with a new key and no contract either: the end mark, and the proof.
    await play(stack, ['authority'], keys);
    const view = await hurry(stack, asked.event, isOver, { step: '1m' });
    expect(view).toMatchObject({ state: 'expired', status: 'expired' });
    expect(await aftermath(stack, asked)).toMatchObject({ grants: 1, bundle: { ok: true, errors: [] } });
  });
});

/** The register refuses by this name once it has read the list; so do the others, who read it as often. */
async function heard(hands: ContractHands, expect: ExpectStatic): Promise<void> {
  const refusal = async (): Promise<string | undefined> => {
    const asked = await hands.askUnder(hands.inForce.digest);
    return (await hands.stack.until(asked.event, ({ state }) => state !== 'requested')).refusal?.code;
  };
  await expect.poll(refusal, { timeout: 20_000 }).toBe('contract_revoked');
}
