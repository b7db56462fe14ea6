import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import { swtpmMissing } from '../../deploy/local/tpm/start-swtpm.js';
import { ATTEST_SCHEDULE_ID } from '../../domain/incidents/attestation-report.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { DRIFTING, Recovering } from '../support/recovering.js';

const curlMissing = (): string | null => {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'there is no curl here';
  }
};
const missing = swtpmMissing() ?? (await available()) ?? curlMissing();
const DONE = { status: 200, body: { status: 're-attestation recorded' } };

/** One host and its TPM for all scenes, which are told in this order: each leaves it released and trusted. */
describe.skipIf(missing !== null)(
  `a host that has to prove itself by its TPM${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let it_is: Recovering;
    beforeAll(async () => {
      it_is = await Recovering.start();
    });
    afterAll(() => it_is?.stop());

    const stateOf = (part: 'agent' | 'airlock' | 'vault'): string => it_is.host.state.read(part).state;
    const isContained = { agent: 'frozen', airlock: 'disabled', vault: 'locked' };
    const isReleased = { agent: 'running', airlock: 'enabled', vault: 'unlocked' };
    const states = () => ({ agent: stateOf('agent'), airlock: stateOf('airlock'), vault: stateOf('vault') });
    const releases = (): string[] => it_is.host.state.asked.filter((asked) => asked.endsWith('/api/v1/release'));

    it('drifts, is contained, and is trusted again after a mended cause, a reboot, a quote and a signature', async () => {
      await it_is.control('POST', '/tpm/extend', { index: DRIFTING });
      await it_is.world.stack.client.schedule.getHandle(ATTEST_SCHEDULE_ID).trigger();
      const id = await opened();
      const contained = await it_is.baselined(id);
      expect(contained).toMatchObject({ class: 'attestation_failure', host: 'local-host', source: 'reseal-attest' });
      expect(states()).toEqual(isContained);

      expect(await it_is.resolve(contained)).toMatchObject({
        status: 409,
        body: { error: { code: 'recovery_incomplete', missing: ['signed_acknowledgement', 'attestation'] } },
      });
      const word = { incident_id: id, operator: 'bob' };
      expect(await it_is.curl('/api/v1/recovery/ack', word)).toMatchObject({
        status: 409,
        body: { error: { missing: ['signed_acknowledgement'] } },
      });
      expect(await it_is.acknowledge(contained)).toEqual({ status: 200, body: { status: 'acknowledged' } });

      expect(await it_is.reattest(id)).toMatchObject(refusedBy('PCR_NOT_GOLDEN'));
      await it_is.control('POST', '/tpm/mend', { index: DRIFTING });
      expect(await it_is.reattest(id)).toMatchObject(refusedBy('NO_REBOOT_SINCE_CONTAINMENT'));
      expect((await it_is.nonces(id)).map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
      await it_is.control('POST', '/tpm/boot', { how: 'power_cut' });
      expect(await it_is.reattest(id)).toEqual(DONE);
      expect((await it_is.nonces(id)).map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'passed']);
      expect(states()).toEqual(isContained);

      const before = releases().length;
      expect(await it_is.resolve(contained)).toMatchObject({ status: 200, body: { id, state: 'resolved' } });
      expect(releases().slice(before)).toEqual(
        ['vault', 'airlock', 'agent'].map((name) => `${name} POST /api/v1/release`),
      );
      expect(states()).toEqual(isReleased);
      expect((await it_is.view(id)).health).toMatchObject({ integrity: 'trusted', attestor: 'trusted', trusted: true });
      expect(await it_is.verified(id)).toMatchObject({ ok: true, facts: { acknowledged_by: ['bob'], attempt: 4 } });
    });

    it('is waited for when its agent is killed amid a quote and stays away for an hour, and passes by itself', async () => {
      const incident = await it_is.report('integrity_violation', 'a file changed');
      const { id } = incident;
      await it_is.acknowledge(incident);
      const held = it_is.holdQuote();
      const asked = it_is.reattest(id);
      await held.reached;
      await it_is.killAgent();
      held.release();
      const waits = await it_is.until(id, 'waits', ({ flags }) => flags.includes('waiting_for_host'));
      expect(waits).toMatchObject({ state: 'contained', missing: ['attestation_waiting'] });
      expect(waits.attestation).toMatchObject({
        attempt: 2,
        waiting: expect.stringMatching(/^unreachable: /) as string,
        next_at: expect.any(String) as string,
      });
      await it_is.control('POST', '/tpm/boot', { how: 'reset' });

      await it_is.skip(id, 3600);
      const later = await it_is.view(id);
      expect(Date.parse(later.attestation.next_at ?? '')).toBeGreaterThan(
        Date.parse(waits.attestation.next_at ?? '') + 3_500_000,
      );
      expect(later).toMatchObject({ state: 'contained', attestation: { attempt: 2, state: 'waiting_for_host' } });
      expect(later.flags).toContain('waiting_for_host');
      expect(await it_is.resolve(incident)).toMatchObject({
        status: 409,
        body: { error: { missing: ['attestation_waiting'] } },
      });

      await it_is.startAgent();
      await it_is.skip(id, 300);
      expect(await asked).toEqual(DONE);
      const nonces = await it_is.nonces(id);
      expect(new Set(nonces.map(({ nonce }) => nonce)).size).toBe(nonces.length);
      expect(nonces.map(({ outcome }) => outcome)).toEqual([...nonces.slice(1).map(() => 'unreachable'), 'passed']);
      // Its history holds one attempt a wait: doubling, and then every five minutes.
      expect(nonces.length).toBeGreaterThan(10);
      expect(nonces.length).toBeLessThan(25);
      expect(await it_is.resolve(incident)).toMatchObject({ status: 200, body: { state: 'resolved' } });
      expect(await it_is.verified(id)).toMatchObject({ ok: true, facts: { attempt: 2 } });
    });

    it('answers each of two incidents for itself, through a killed verifier and a borrowed result, and is let go with the last', async () => {
      const one = await it_is.report('integrity_violation', 'another file changed');
      const other = await it_is.report('attestation_failure', 'seen by somebody else');
      expect(other.containment_binding).not.toBe(one.containment_binding);
      await it_is.control('POST', '/tpm/boot', { how: 'reset' });

      const first = it_is.holdQuote();
      const asked = it_is.reattest(one.id);
      await first.reached;
      await it_is.killVerifier();
      first.release();
      await it_is.startVerifier();
      expect(await asked).toEqual(DONE);
      const minted = await it_is.nonces(one.id);
      expect(minted.map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual(['2 null', '2 passed']);

      const second = it_is.holdQuote();
      const askedToo = it_is.reattest(other.id);
      await second.reached;
      const borrowed = await it_is.result(one.id);
      await it_is.complete(other.id, 'attestHost', { outcome: 'result', result: borrowed });
      const unmoved = await it_is.until(other.id, 'waits', ({ attestation }) => attestation.waiting !== null);
      expect(unmoved.attestation).toMatchObject({
        state: 'waiting_for_host',
        waiting: 'unreadable: the answer is not the verifier’s',
      });
      second.release();
      await it_is.skip(other.id, 15);
      expect(await askedToo).toEqual(DONE);
      const nonces = [...minted, ...(await it_is.nonces(other.id))].map(({ nonce }) => nonce);
      expect(new Set(nonces).size).toBe(nonces.length);

      await Promise.all([one, other].map((incident) => it_is.acknowledge(incident)));
      const before = releases().length;
      expect(await it_is.resolve(one)).toMatchObject({ status: 200, body: { state: 'resolved' } });
      expect(states()).toEqual(isContained);
      expect(releases()).toHaveLength(before);
      expect(await it_is.resolve(other)).toMatchObject({ status: 200, body: { state: 'resolved' } });
      expect(states()).toEqual(isReleased);
      for (const { id } of [one, other]) expect(await it_is.verified(id)).toMatchObject({ ok: true });
    });

    /** The incident that the schedule's round opened by itself. */
    async function opened(): Promise<string> {
      for (;;) {
        const { body } = await it_is.curl('/api/v1/incidents');
        const [first] = body as unknown as IncidentView[];
        if (first !== undefined) return first.id;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  },
);

const refusedBy = (code: string) => ({
  status: 409,
  body: {
    error: {
      code: 'attestation_refused',
      message: expect.stringMatching(new RegExp(`^${code}: .*expected `)) as string,
    },
  },
});
