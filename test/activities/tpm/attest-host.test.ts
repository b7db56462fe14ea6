import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TPM_CC } from '../../../activities/tpm/tpm-commands.js';
import { attestationObjection } from '../../../domain/incidents/attestation-result.js';
import { swtpmMissing } from '../../../deploy/local/tpm/start-swtpm.js';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import { parseQuote } from '../../../proofs/tpm/quote.js';
import type { QuoteAnswer, QuoteQuestion } from '../../../domain/attestation-agent.js';
import { attest, softwareAk } from '../../proofs/tpm/software-quote.js';
import { lyingAgent, type Lie } from './lying-agent.js';
import { AttestedHost, BINDING, HOST, INCIDENT } from './attested-host.js';
import { answerOf } from './proxied-tpm.js';

const missing = swtpmMissing();
const OTHER = 'INC-20261121-120000-0002';
const HOUR = 3_600_000;
const BASELINE = { purpose: 'baseline' } as const;

describe.skipIf(missing !== null)(
  `when the verifier asks a host${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let world: AttestedHost;
    beforeAll(async () => {
      world = await AttestedHost.start();
    });
    beforeEach(() => world.again());
    afterEach(() => {
      world.proxy.interfere = () => undefined;
    });
    afterAll(() => world?.stop());

    /** Enrolled in the morning, healthy since, contained at noon. */
    const contained = async (): Promise<void> => {
      await world.enroll();
      world.later(HOUR);
      await world.attest(BASELINE);
      world.later(HOUR);
    };
    const nonces = async (): Promise<string[]> =>
      (await world.journal.query<{ outcome: string }>('SELECT outcome FROM verifier.spent ORDER BY spent_at')).map(
        ({ outcome }) => outcome,
      );

    it('a host that shows what was enrolled, and was reset since its containment, passes for this incident alone', async () => {
      await contained();
      await world.host.boot('reset');
      const result = await world.attest();
      expect(result).toMatchObject({
        verdict: 'passed',
        incident_id: INCIDENT,
        host: HOST,
        containment_binding: BINDING,
        baseline: { kind: 'containment' },
        reference_version: 1,
        reference_accepted_by: ['bob'],
        reference_is_newer: false,
      });
      expect(result.checks.filter(({ ok }) => !ok)).toEqual([]);
      const wanted = {
        incident_id: INCIDENT,
        host: HOST,
        containment_binding: BINDING,
        contained_at: result.contained_at ?? '',
        acknowledged_by: ['carol'],
        quorum: 2,
        nowMs: world.nowMs,
      };
      expect(attestationObjection(result, wanted)).toBeUndefined();
      expect(attestationObjection(result, { ...wanted, incident_id: OTHER })).toBe('foreign_attestation');
    });

    it.each(['rsapss', 'ecdsa'] as const)('a key in %s does as well as one in rsassa', async (ak) => {
      await world.serve(ak);
      try {
        expect(await world.record(await world.shown(undefined, ak), 'bob')).toMatchObject({ ok: true });
        world.later(HOUR);
        await world.attest(BASELINE);
        world.later(HOUR);
        expect(await world.verdict()).toBe('refused NO_REBOOT_SINCE_CONTAINMENT');
        await world.host.boot('reset');
        expect(await world.verdict({ attempt: 2 })).toBe('passed');
      } finally {
        await world.serve('rsassa');
      }
    });

    it('a resume is no reset; a power cut is one', async () => {
      await contained();
      expect(await world.verdict()).toBe('refused NO_REBOOT_SINCE_CONTAINMENT');
      await world.host.boot('restart');
      expect(await world.verdict({ attempt: 2 })).toBe('refused NO_REBOOT_SINCE_CONTAINMENT');
      await world.host.boot('power cut');
      expect(await world.verdict({ attempt: 3 })).toBe('passed');
    });

    it('an attempt has one result, whoever asks for it how often, and another attempt another nonce', async () => {
      await contained();
      const ask = (attempt: number) => world.tasks.attestHost(world.input({ attempt }));
      const [first, together] = await Promise.all([ask(1), ask(1)]);
      const again = await ask(1);
      const results = [first, together, again].filter(({ outcome }) => outcome === 'result');
      expect(results.length).toBeGreaterThanOrEqual(2);
      expect(new Set(results.map((one) => JSON.stringify(one))).size).toBe(1);
      const [one, two] = [await world.attest(), await world.attest({ attempt: 2 })];
      expect(one.nonce).not.toBe(two.nonce);
    });

    it('two incidents of one host are two questions, and neither answer is of use for the other', async () => {
      await contained();
      await world.attest({ ...BASELINE, incident_id: OTHER });
      await world.host.boot('reset');
      const settled = async (incident_id: string) => {
        for (;;) {
          const answer = await world.tasks.attestHost(world.input({ incident_id }));
          if (answer.outcome === 'result') return world.attest({ incident_id });
          expect(answer.reason).toBe('tpm_busy');
          await sleep(20);
        }
      };
      const [one, two] = await Promise.all([settled(INCIDENT), settled(OTHER)]);
      expect([one.verdict, two.verdict]).toEqual(['passed', 'passed']);
      expect(one.nonce).not.toBe(two.nonce);
      expect([one.incident_id, two.incident_id]).toEqual([INCIDENT, OTHER]);
    });

    it('a drifted PCR is refused, and says what was expected', async () => {
      await contained();
      await world.host.boot('reset');
      await world.host.extend(7, 'ab'.repeat(32));
      const result = await world.attest();
      expect(result).toMatchObject({ verdict: 'refused', failed_check: 'PCR_NOT_GOLDEN' });
      expect(result.expected).toMatch(/^sha256 PCR 7 is [0-9a-f]{64}, expected [0-9a-f]{64} \(as installed\)$/);
    });

    it('another key of the same TPM is refused', async () => {
      await contained();
      await world.host.boot('reset');
      await world.serve('ecdsa');
      try {
        expect(await world.verdict()).toBe('refused AK_NOT_ENROLLED');
      } finally {
        await world.serve('rsassa');
      }
    });

    const ZEROS = '00'.repeat(32);
    const software = softwareAk('rsassa');
    const forged = (answer: QuoteAnswer, { nonce }: QuoteQuestion): QuoteAnswer => {
      const real = parseQuote(Buffer.from(answer.quote, 'base64'));
      if (!real.ok) throw new Error(real.detail);
      const { qualifiedSigner: signer, resetCount: resets } = real.value;
      const quote = attest({ nonce: Buffer.from(nonce, 'hex'), signer, resets: resets + 1 }, answer.pcrs);
      const signature = software.sign(quote).toString('base64');
      return { ...answer, quote: quote.toString('base64'), signature };
    };
    it.each([
      [
        'made the quote in software, with a key of its own',
        {
          tell: (answer: QuoteAnswer, question: QuoteQuestion) => ({
            ...forged(answer, question),
            ak: software.area.toString('base64'),
          }),
        },
        'AK_NOT_ENROLLED',
      ],
      ['made the quote in software, in the name of its TPM', { tell: forged }, 'BAD_SIGNATURE'],
      [
        'quoted fewer PCRs than it was asked for',
        { ask: (asked: QuoteQuestion) => ({ ...asked, pcrs: { sha256: [0, 4] } }) },
        'PCR_NOT_QUOTED',
      ],
      [
        'quoted other PCRs than it was asked for',
        { ask: (asked: QuoteQuestion) => ({ ...asked, pcrs: { sha256: [16, 17, 18] } }) },
        'PCR_NOT_QUOTED',
      ],
      [
        'shows a value that it did not quote',
        { tell: (told: QuoteAnswer) => ({ ...told, pcrs: { sha256: { ...told.pcrs.sha256, '16': ZEROS } } }) },
        'PCR_NOT_QUOTED',
      ],
      [
        'hides a value that it quoted',
        {
          tell: (told: QuoteAnswer) => ({
            ...told,
            pcrs: { sha256: { '0': told.pcrs.sha256?.['0'] ?? '', '4': told.pcrs.sha256?.['4'] ?? '' } },
          }),
        },
        'PCR_NOT_QUOTED',
      ],
      [
        'asks its TPM with a nonce of its own',
        { ask: (asked: QuoteQuestion) => ({ ...asked, nonce: '4e'.repeat(32) }) },
        'NONCE_MISMATCH',
      ],
      ['sends no quote at all', { tell: (told: QuoteAnswer) => ({ ...told, quote: '' }) }, 'EVIDENCE_MALFORMED'],
    ] as [string, Lie, string][])('an agent that %s is refused', async (_how, lie, code) => {
      await contained();
      await world.host.boot('reset');
      const { address } = world;
      const liar = await lyingAgent(address, lie);
      world.address = { ...address, url: liar.url };
      const verdict = await world.verdict().finally(() => (world.address = address));
      await liar.stop();
      expect(verdict).toBe(`refused ${code}`);
    });

    it('a host that replays what it said before is refused: its answer has another nonce', async () => {
      await contained();
      await world.host.boot('reset');
      // Whatever the TPM is asked to quote, it repeats what it answered the first time.
      const bytesOf = new Map<number, Buffer>();
      world.proxy.kept = bytesOf;
      expect(await world.verdict({ attempt: 7 })).toBe('passed');
      const said = bytesOf.get(TPM_CC.quote);
      expect(said).toBeDefined();
      world.proxy.kept = undefined;
      world.proxy.interfere = (code) => (code === TPM_CC.quote ? said : undefined);
      expect(await world.verdict()).toBe('refused NONCE_MISMATCH');
    });

    it('busy, torn and away are no verdict: the attempt stays open, and each try has a nonce of its own', async () => {
      await contained();
      await world.host.boot('reset');
      const waiting = async (): Promise<string> => {
        const answer = await world.tasks.attestHost(world.input());
        return answer.outcome === 'waiting' ? answer.reason : answer.outcome;
      };
      world.proxy.interfere = (code) => (code === TPM_CC.quote ? answerOf(0x922) : undefined);
      expect(await waiting()).toBe('tpm_busy');
      let moves = 0;
      world.proxy.interfere = async (code, upstream) => {
        if (code === TPM_CC.quote) await upstream(extendPcr(7, (moves += 1)));
        return undefined;
      };
      expect(await waiting()).toBe('torn_read');
      world.proxy.interfere = () => null;
      expect(await waiting()).toBe('unreachable');
      world.proxy.interfere = () => undefined;
      const { address } = world;
      world.address = { ...address, url: 'http://127.0.0.1:1' };
      expect(await waiting()).toBe('unreachable');
      world.address = address;
      await world.host.boot('reset');
      expect(await world.verdict()).toBe('passed');
      expect((await nonces()).sort()).toEqual(
        ['passed', 'passed', 'tpm_busy', 'torn_read', 'unreachable', 'unreachable'].sort(),
      );
    });

    it('an agent that is killed in the middle of a quote is waited for, and its session is not left behind', async () => {
      await contained();
      await world.host.boot('reset');
      const reached = new Promise<void>((resolve) => {
        world.proxy.interfere = (code) => {
          if (code !== TPM_CC.quote) return undefined;
          resolve();
          return new Promise(() => undefined);
        };
      });
      const cut = world.tasks.attestHost(world.input());
      await reached;
      await world.agent?.close();
      expect(await cut).toMatchObject({ outcome: 'waiting', reason: 'unreachable' });
      world.proxy.drop();
      world.proxy.interfere = () => undefined;
      await world.serve('rsassa');
      world.proxy.seen.length = 0;
      expect(await world.verdict()).toBe('passed');
      const count = (code: number): number => world.proxy.seen.filter((one) => one === code).length;
      expect(count(TPM_CC.startAuthSession)).toBe(1);
      expect(count(TPM_CC.flushContext)).toBe(1);
    });

    it('an answer that comes after the deadline of its nonce is none', async () => {
      await contained();
      await world.host.boot('reset');
      world.proxy.interfere = (code) => {
        if (code === TPM_CC.quote) world.later(2 * 60_000);
        return undefined;
      };
      expect(await world.tasks.attestHost(world.input())).toMatchObject({ outcome: 'waiting', reason: 'unreachable' });
    });

    it('a host that was never enrolled is refused, and so is one whose agent refuses', async () => {
      expect(await world.verdict(world.scheduled)).toBe('refused AK_NOT_ENROLLED');
      await contained();
      const { address } = world;
      world.address = { ...address, token: 'another-token-of-thirty-two-characters' };
      const refused = await world.verdict();
      world.address = address;
      expect(refused).toBe('refused NO_EVIDENCE');
    });

    it('counts resets from the last healthy quote where none was taken at containment, else from nothing but a waiver', async () => {
      await world.enroll();
      await world.attest(world.scheduled);
      world.later(2 * HOUR);
      expect(await world.verdict()).toBe('refused NO_REBOOT_SINCE_CONTAINMENT');
      await world.host.boot('reset');
      expect(await world.attest({ attempt: 2 })).toMatchObject({
        verdict: 'passed',
        baseline: { kind: 'last_healthy' },
      });

      await world.again();
      await world.enroll();
      world.later(2 * HOUR);
      expect((await world.attest()).expected).toContain('waive_baseline');
      const waivers = (...people: string[]) => people.map((person) => world.inIncident(person, 'waive_baseline'));
      expect(await world.verdict({ attempt: 2, statements: waivers('bob') })).toBe(
        'refused NO_REBOOT_SINCE_CONTAINMENT',
      );
      const twice = waivers('bob', 'bob');
      expect(await world.verdict({ attempt: 3, statements: twice })).toBe('refused NO_REBOOT_SINCE_CONTAINMENT');
      const foreign = [
        world.said('carol', { act: 'waive_baseline', incident_id: OTHER, containment_binding: BINDING }),
      ];
      expect(await world.verdict({ attempt: 4, statements: [...waivers('bob'), ...foreign] })).toBe(
        'refused NO_REBOOT_SINCE_CONTAINMENT',
      );
      expect(await world.attest({ attempt: 5, statements: waivers('bob', 'carol') })).toMatchObject({
        verdict: 'passed',
        baseline: { kind: 'waived', waived_by: ['bob', 'carol'] },
      });
    });

    it('values that are newer than the containment count only when a quorum accepts them in this incident', async () => {
      const before = await world.enroll();
      world.later(HOUR);
      await world.attest(BASELINE);
      await world.host.boot('reset');
      await world.host.extend(4, 'cd'.repeat(32));
      world.later(HOUR);
      const text = await world.shown(before);
      expect(await world.record(text, 'bob', 'carol')).toMatchObject({ ok: true, accepted_by: ['bob', 'carol'] });
      expect(await world.attest()).toMatchObject({ failed_check: 'PCR_NOT_GOLDEN', reference_version: 1 });
      const accepts = (...people: string[]) =>
        people.map((person) => world.inIncident(person, 'accept_baseline', { reference_digest: sha256Hex(text) }));
      expect(await world.verdict({ attempt: 2, statements: accepts('bob') })).toBe('refused PCR_NOT_GOLDEN');
      expect(await world.attest({ attempt: 3, statements: accepts('bob', 'carol') })).toMatchObject({
        verdict: 'passed',
        reference_version: 2,
        reference_is_newer: true,
        reference_accepted_by: ['bob', 'carol'],
      });
      // Saying that the containment was later than it was makes nothing older.
      const late = { attempt: 4, contained_at: '2026-11-22T00:00:00.000Z' };
      expect(await world.attest(late)).toMatchObject({ verdict: 'refused', reference_version: 1 });
    });

    it('the schedule passes a healthy host again and again, and after a power cut too', async () => {
      await world.enroll();
      const next = (): Promise<string> => {
        world.later(60_000);
        return world.verdict(world.scheduled);
      };
      expect(await next()).toBe('passed');
      await world.host.boot('power cut');
      expect([await next(), await next()]).toEqual(['passed', 'passed']);
    });
  },
);

/** TPM2_PCR_Extend of SHA-256. */
function extendPcr(index: number, value: number): Buffer {
  const digest = Buffer.alloc(32, value).toString('hex');
  const handle = index.toString(16).padStart(8, '0');
  return Buffer.from(`80020000004100000182${handle}00000009400000090000010000${'00000001000b'}${digest}`, 'hex');
}
