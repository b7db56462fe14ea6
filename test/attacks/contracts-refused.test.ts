import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, it, type ExpectStatic } from 'vitest';
import { withContract } from '../../deploy/local/stack/contract-text.js';
import { localContract } from '../../deploy/local/stack/local-contract.js';
import { judgeGrant } from '../../activities/graph/pim/directory-role-judge.js';
import { instant } from '../../domain/identifiers.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { Role } from '../../domain/roles.js';
import { signedRosterSchema, type SignedRoster } from '../../domain/signed-documents.js';
import type { AuthorityTasks, Evidence } from '../../domain/tasks.js';
import { signDocument } from '../../proofs/contract-signing.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import { readPolicy } from '../../proofs/policy-document.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { readRoleContext, type RoleContext } from '../../workers/role-context.js';
import { TASKS_OF_ROLE } from '../../workers/role-tasks.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { ContractHands } from '../support/contract-hands.js';
import { testPolicy } from '../support/people.js';
import { isOver } from '../support/records.js';

const HOUR = 3600_000;
/** In force is version 7, so that there are lower ones. */
function policyYaml(): string {
  const text = testPolicy(100);
  const read = readPolicy(text);
  if (!read.ok) throw new Error('the test policy');
  return withContract(text, localContract(read.value.policy, { version: 7, nowMs: Date.now() }));
}

let stack: CeremonyStack;
let hands: ContractHands;
beforeAll(async () => {
  stack = await CeremonyStack.start({ policyYaml: policyYaml() });
  hands = await ContractHands.of(stack);
});
afterAll(() => stack.stop());

/** Asks under a contract until the register has read the registry: before, nobody knows of it. Graph never hears of any. */
async function isRefused(expect: ExpectStatic, digest: string, code: string): Promise<void> {
  for (let patience = 20; ; patience -= 1) {
    const asked = await hands.askUnder(digest);
    const view = await stack.until(asked.event, isOver);
    expect((await stack.graph.truth(asked.tenant)).calls).toEqual([]);
    const unread = view.refusal?.code === 'contract_unknown' && code !== 'contract_unknown' && patience > 0;
    if (unread) continue;
    expect(view).toMatchObject({ state: 'refused', status: null, refusal: { code } });
    return;
  }
}

describe.concurrent('a request under another contract than the one in force is refused by name', () => {
  it('contract_unknown: nobody ever published it', ({ expect }) =>
    isRefused(expect, randomBytes(32).toString('hex'), 'contract_unknown'));

  it('contract_unsigned: one signer alone', async ({ expect }) => {
    const lax = hands.lax({ version: 8 });
    await hands.publish(lax, hands.keys.slice(0, 1));
    await isRefused(expect, lax.digest, 'contract_unsigned');
  });

  it('contract_changed: the signatures of another document', async ({ expect }) => {
    const lax = hands.lax({ version: 9 });
    const { signatures } = hands.sign(hands.inForce);
    await hands.plant(lax.digest, { ...hands.sign(lax), signatures });
    await isRefused(expect, lax.digest, 'contract_changed');
  });

  it('contract_changed: the contract in force under the name of another', async ({ expect }) => {
    const lax = hands.lax({ version: 10 });
    await hands.plant(lax.digest, hands.sign(hands.inForce));
    await isRefused(expect, lax.digest, 'contract_changed');
  });

  it('contract_superseded: an old and laxer one, signed by all and still valid', async ({ expect }) => {
    const old = hands.lax({ version: 3 });
    await hands.publish(old);
    await isRefused(expect, old.digest, 'contract_superseded');
  });

  it('contract_expired: its time is over', async ({ expect }) => {
    const old = hands.lax({
      version: 4,
      valid_from: instant(Date.now() - 9 * HOUR),
      valid_until: instant(Date.now() - HOUR),
    });
    await hands.publish(old);
    await isRefused(expect, old.digest, 'contract_expired');
  });

  it('contract_not_yet_valid: its time has not come', async ({ expect }) => {
    const next = hands.lax({ version: 11, valid_from: instant(Date.now() + 9 * HOUR) });
    await hands.publish(next);
    await isRefused(expect, next.digest, 'contract_not_yet_valid');
  });

  it('contract_revoked: its signers took it back', async ({ expect }) => {
    const bad = hands.lax({ version: 5 });
    await hands.publish(bad);
    await hands.revoke({ contracts: [bad.digest] });
    await isRefused(expect, bad.digest, 'contract_revoked');
  });
});

describe('an old and laxer contract, past admission, as whoever schedules activities asks', () => {
  /** Alice's request under it, and an admission that the liar signed. */
  const evidenceUnder = (digest: string): Evidence => {
    const { event, envelope } = hands.requestUnder(digest);
    const entry = { schema: 'reseal.entry.v1', event_id: event, transition: 'request', type: 'request' } as const;
    const admission = signReceipt({ ...entry, at: instant(Date.now()), data: {} }, generateRoleKey());
    return { event_id: event, request: envelope, approvals: [], admission };
  };
  const contextOf = (role: Role): Promise<RoleContext> => {
    const { settings, database } = stack.stack;
    return readRoleContext({ ...settings, roles: [role] }, database, () => undefined);
  };

  it('is refused by the authority', async ({ expect }) => {
    const old = hands.lax({ version: 2 });
    await hands.publish(old);
    const authority = TASKS_OF_ROLE.authority(await contextOf('authority')) as AuthorityTasks;
    expect(await authority.issue(evidenceUnder(old.digest))).toMatchObject({ code: 'contract_superseded' });
  });

  it('is refused by the effect, whatever the authority signed', async ({ expect }) => {
    const old = hands.lax({ version: 2 });
    await hands.publish(old);
    const { contracts, trust } = await contextOf('effect:entra.directory_role');
    const judge = judgeGrant({ inForce: contracts, roleKeys: trust.keyOf, authorityKey: () => undefined });
    // The contract is asked first: no intent, however well signed, changes what is in force.
    expect(judge({} as SignedIntent, evidenceUnder(old.digest), Date.now())).toMatchObject({
      ok: false,
      code: 'contract_superseded',
    });
  });
});

describe('meanwhile the contract in force', () => {
  it('carries a ceremony as before', async ({ expect }) => {
    const asked = await stack.activate();
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
  });
});

describe('a request under a roster that carries nothing is refused by name', () => {
  const rosterNow = async (): Promise<{ digest: string; signed: SignedRoster }> => {
    const found = await Promise.all(
      (await hands.registry.list('roster')).map(async (digest) => {
        const { payload } = (await hands.registry.fetch('roster', digest)) as DsseEnvelope;
        return {
          digest,
          signed: signedRosterSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))),
        };
      }),
    );
    return found.reduce((newest, one) => (one.signed.version > newest.signed.version ? one : newest));
  };
  const publish = (roster: SignedRoster): Promise<string> =>
    hands.registry.put('roster', signDocument('roster', roster, hands.keys));
  const times = (from: number, until: number) => ({
    valid_from: instant(Date.now() + from),
    valid_until: instant(Date.now() + until),
  });
  /** What becomes of requests, once the register has read the registry. */
  const become = async (expect: ExpectStatic, wanted: string): Promise<void> => {
    for (let patience = 40; ; patience -= 1) {
      const asked = await stack.ask();
      const { state, refusal } = await stack.until(asked.event, (view) => view.state !== 'requested');
      const is = refusal?.code ?? state;
      if (is !== wanted && patience > 0) {
        if (state === 'awaiting_approval') await stack.say(asked, 'bob', 'deny');
        continue;
      }
      expect(is).toBe(wanted);
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
      return;
    }
  };

  it('roster_revoked, roster_changed and roster_expired; and the next good one carries again', async ({ expect }) => {
    const { digest, signed } = await rosterNow();
    await hands.revoke({ rosters: [digest] });
    await become(expect, 'roster_revoked');
    const next = { ...signed, version: signed.version + 1, ...times(-HOUR, HOUR) };
    await publish(next);
    await become(expect, 'awaiting_approval');
    await publish({ ...next, ...times(-HOUR, 2 * HOUR) });
    await become(expect, 'roster_changed');
    await publish({ ...signed, version: signed.version + 2, ...times(-2 * HOUR, -HOUR) });
    await become(expect, 'roster_expired');
    await publish({ ...signed, version: signed.version + 3, ...times(-HOUR, HOUR) });
    await become(expect, 'awaiting_approval');
  }, 180_000);
});
