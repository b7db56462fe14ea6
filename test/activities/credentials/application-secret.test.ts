import { describe, expect, it } from 'vitest';
import { credentialsTasks } from '../../../activities/credentials/rotate.js';
import { killOutcomeSchema } from '../../../domain/kill-state.js';
import { environmentOf } from '../graph/attempts.js';
import { inAWorld } from '../graph/in-a-world.js';
import { APPLICATION, OF_APPLICATION, Rotating, sha256 } from './rotation-world.js';

let rotating: Rotating;
inAWorld((world) => {
  rotating = new Rotating(world);
});

/** One secret stands, and it is the one in the vault. */
async function expectOnlyTheVaults(): Promise<void> {
  const passwords = await rotating.passwords();
  expect(passwords.map(({ secret_sha256 }) => secret_sha256)).toEqual([sha256(rotating.vault.secret)]);
}

describe('rotating an application’s secret', () => {
  it('puts one new secret into the sink and takes every other out of force', async () => {
    await rotating.application(['its own', 'another'], 1);
    const { result } = await rotating.rotate();
    expect(killOutcomeSchema.parse(result)).toEqual(result);
    expect(result).toMatchObject({ result: 'done', code: null });
    await expectOnlyTheVaults();
    const told = rotating.world.entry('credential_rotated');
    expect(told).toMatchObject({ target_id: APPLICATION, sink: 'vault', certificates_left: 1 });
    expect(told['removed_key_ids']).toHaveLength(2);
    expect((await rotating.passwords())[0]?.display_name).toBe('reseal:0123456789abcdef:0');
  });

  it('removes what was added while it was at work', async () => {
    await rotating.application();
    await rotating.rotate(undefined, {
      before: async (attempt) => {
        if (attempt === 3) await rotating.addSecret('a back door');
      },
    });
    await expectOnlyTheVaults();
  });

  it('cleans up by its tag what a lost answer left', async () => {
    await rotating.application();
    await rotating.world.fault({ method: 'POST', path: '*addPassword', effect: 'lost_response', times: 2 });
    const { failures } = await rotating.rotate();
    expect(failures.map(({ type }) => type)).toContain('graph_ambiguous');
    expect(rotating.vault.delivered).toHaveLength(1);
    await expectOnlyTheVaults();
  });

  it('survives a crash between addPassword and the sink', async () => {
    await rotating.application();
    const signed = rotating.intent();
    const hanging = credentialsTasks(rotating.deps({ deliver: () => new Promise(() => undefined) }));
    let details: unknown;
    const environment = environmentOf(1, undefined, rotating.world.clock);
    environment.on('heartbeat', (left: unknown) => (details = left));
    void environment.run((input: { signed: typeof signed; index: number }) => hanging.rotate(input), {
      signed,
      index: 0,
    });
    await expect.poll(async () => (await rotating.passwords()).length).toBe(2);
    const { result } = await rotating.rotate(signed, { from: { attempt: 2, details } });
    expect(result.result).toBe('done');
    await expectOnlyTheVaults();
  });

  it('survives a crash after the sink, without another secret', async () => {
    await rotating.application();
    await rotating.world.fault({ method: 'POST', path: '*removePassword', effect: 'status', status: 503, times: 3 });
    await rotating.rotate();
    expect(rotating.vault.delivered).toHaveLength(1);
    await expectOnlyTheVaults();
  });

  it('keeps the old secret while the sink takes none, and leaves none of its own behind', async () => {
    await rotating.application();
    rotating.vault.broken = 3;
    const { failures } = await rotating.rotate(undefined, {
      before: async (attempt) => {
        if (attempt > 4) return;
        expect((await rotating.passwords()).map(({ display_name }) => display_name)).toEqual(['its own']);
      },
    });
    expect(failures.filter(({ type }) => type === 'sink_exited')).toHaveLength(3);
    await expectOnlyTheVaults();
  });

  it('waits for a sink that nobody configured', async () => {
    await rotating.application();
    const signed = rotating.intent([{ ...OF_APPLICATION, sink: 'nowhere' }]);
    await expect(rotating.rotate(signed, { maxAttempts: 2 })).rejects.toThrow('sink_unknown, sink_unknown');
    expect((await rotating.passwords()).map(({ display_name }) => display_name)).toEqual(['its own']);
  });

  it('reads on while replicas lag, and is throttled without harm', async () => {
    await rotating.application();
    await rotating.world.control('/lag', { ms: 20_000 });
    await rotating.world.fault({ path: '/applications', effect: 'status', status: 429, retry_after: 7, times: 2 });
    const { result } = await rotating.rotate();
    expect(result.result).toBe('done');
    await expectOnlyTheVaults();
  });

  it('makes another secret when somebody removed the one in the sink', async () => {
    await rotating.application();
    let before = '';
    await rotating.rotate(undefined, {
      before: async (attempt) => {
        if (attempt !== 3) return;
        before = rotating.vault.secret;
        const [mine] = await rotating.passwords();
        await rotating.world.graph('POST', `/applications/${APPLICATION}/removePassword`, 'user:' + APPLICATION, {
          keyId: mine?.key_id,
        });
      },
    });
    expect(rotating.vault.secret).not.toBe(before);
    await expectOnlyTheVaults();
  });

  it('believes no heartbeat that it did not sign: a secret of somebody else’s is never taken for the one in the sink', async () => {
    await rotating.application();
    const added = (await rotating.addSecret('a back door')).body as { keyId: string };
    const at = '2026-06-01T10:00:00.000Z';
    const proof = { transition: 'rotate/0/delivered', envelope: rotating.intent().envelope };
    const details = {
      done: { at, key_id: added.keyId, proof },
      reads: 2,
      last_at: null,
      missing_reads: 0,
      removed: [],
      client_request_ids: [],
    };
    await rotating.rotate(undefined, { from: { attempt: 2, details } });
    await expectOnlyTheVaults();
  });

  it('refuses a protected application, by its object id and by its client id', async () => {
    await rotating.application();
    rotating.world.protectedIds.add(APPLICATION);
    expect((await rotating.rotate()).result).toMatchObject({ result: 'refused', code: 'protected_target' });
    rotating.world.protectedIds.clear();
    const read = await rotating.world.graph('GET', `/applications/${APPLICATION}`, 'user:' + APPLICATION);
    rotating.world.protectedIds.add((read.body as { appId: string }).appId);
    expect((await rotating.rotate()).result).toMatchObject({ result: 'refused', code: 'protected_target' });
    expect((await rotating.passwords()).map(({ display_name }) => display_name)).toEqual(['its own']);
    expect(rotating.vault.delivered).toHaveLength(0);
  });

  it('says so of an application that does not exist, and touches nothing for an intent that is nobody’s', async () => {
    expect((await rotating.rotate()).result).toMatchObject({ result: 'refused', code: 'target_not_found' });
    await rotating.application();
    const signed = rotating.intent();
    const forged = { ...signed, intent: { ...signed.intent, event_id: 'ffffffffffffffff' } };
    await expect(rotating.rotate(forged, { maxAttempts: 1 })).rejects.toThrow('intent_not_authentic');
    await expect(rotating.rotate(signed, {}, 1)).rejects.toMatchObject({
      type: 'rotation_unknown',
      nonRetryable: true,
    });
    await expect(rotating.rotate(rotating.world.intent())).rejects.toMatchObject({ type: 'rotation_unknown' });
    expect((await rotating.passwords()).map(({ display_name }) => display_name)).toEqual(['its own']);
  });
});

describe('an attempt that is called off between addPassword and the sink', () => {
  it('delivers nothing any more, and takes its secret back', async () => {
    await rotating.application();
    const environment = environmentOf(1, undefined, rotating.world.clock);
    const tasks = credentialsTasks(rotating.deps());
    const signed = rotating.intent();
    const real = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const answer = await real(input, init);
      const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
      if (url.endsWith('/addPassword')) environment.cancel();
      return answer;
    };
    try {
      const running = environment.run((input: { signed: typeof signed; index: number }) => tasks.rotate(input), {
        signed,
        index: 0,
      });
      await expect(running).rejects.toThrow('cancelled before the call');
    } finally {
      globalThis.fetch = real;
    }
    const { calls } = await rotating.world.truth();
    expect(calls.filter(({ path }) => path.endsWith('/addPassword'))).toHaveLength(1);
    expect(rotating.vault.delivered).toHaveLength(0);
    expect((await rotating.passwords()).map(({ display_name }) => display_name)).toEqual(['its own']);
  });
});
