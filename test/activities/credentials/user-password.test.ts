import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { newPassword } from '../../../activities/credentials/secret.js';
import { inAWorld } from '../graph/in-a-world.js';
import { ALICE } from '../graph/world.js';
import { OF_ALICE, Rotating, sha256 } from './rotation-world.js';

let rotating: Rotating;
inAWorld((world) => {
  rotating = new Rotating(world);
});

const expectTheVaults = async (): Promise<void> =>
  expect((await rotating.account()).password_sha256).toBe(sha256(rotating.vault.secret));

describe('resetting a user’s password', () => {
  it('sets one that is in the sink, and reads back that it took', async () => {
    const { result } = await rotating.rotate(rotating.intent([OF_ALICE]));
    expect(result).toMatchObject({ result: 'done' });
    await expectTheVaults();
    expect(rotating.world.entry('credential_rotated')).toMatchObject({ kind: 'user_password', target_id: ALICE });
  });

  it('ends with the password of the sink, whatever was lost', async () => {
    await rotating.world.fault({ method: 'PATCH', path: '/users', effect: 'lost_response', times: 2 });
    await rotating.world.fault({ method: 'PATCH', path: '/users', effect: 'status', status: 503 });
    await rotating.rotate(rotating.intent([OF_ALICE]));
    expect(rotating.vault.delivered.length).toBeGreaterThan(2);
    await expectTheVaults();
  });

  it('resets nothing while the sink takes nothing', async () => {
    rotating.vault.broken = 2;
    await rotating.rotate(rotating.intent([OF_ALICE]), {
      before: async (attempt) => {
        if (attempt <= 3) expect((await rotating.account()).password_sha256).toBeNull();
      },
    });
    await expectTheVaults();
  });

  it('reads until the replica shows it, without another reset', async () => {
    await rotating.world.control('/lag', { ms: 60_000 });
    await rotating.rotate(rotating.intent([OF_ALICE]));
    expect(rotating.vault.delivered).toHaveLength(1);
  });

  it('refuses a protected user, and says so of one who is not there', async () => {
    rotating.world.protectedIds.add(ALICE);
    const { result } = await rotating.rotate(rotating.intent([OF_ALICE]));
    expect(result).toMatchObject({ result: 'refused', code: 'protected_target' });
    const nobody = { ...OF_ALICE, user_id: 'dead0000-0000-4000-8000-00000000dead' } as const;
    expect((await rotating.rotate(rotating.intent([nobody]))).result).toMatchObject({ code: 'target_not_found' });
    expect(rotating.vault.delivered).toHaveLength(0);
  });
});

describe('a secret on its way', () => {
  it('shows itself to nothing that prints, and in no receipt or failure', async () => {
    const secret = newPassword();
    for (const printed of [String(secret), JSON.stringify({ secret }), inspect({ secret }, { depth: 9 })])
      expect(printed).not.toContain(secret.reveal());
    expect(secret.reveal()).toMatch(/^Rs-[A-Za-z0-9_-]{32}-7$/);
    await rotating.application();
    rotating.vault.broken = 1;
    const signed = rotating.intent([
      OF_ALICE,
      { kind: 'application_secret', application_id: (await firstApplication()) ?? '', sink: 'vault' },
    ]);
    const ran = [await rotating.rotate(signed), await rotating.rotate(signed, {}, 1)];
    const everything = JSON.stringify([ran, rotating.world.entries]) + inspect(ran, { depth: 20 });
    expect(rotating.vault.everything).toHaveLength(2);
    for (const given of rotating.vault.everything) expect(everything).not.toContain(given.slice(0, 12));
  });
});

const firstApplication = async (): Promise<string | undefined> => {
  const told = (await rotating.world.truth()) as unknown as { applications: { id: string }[] };
  return told.applications[0]?.id;
};
