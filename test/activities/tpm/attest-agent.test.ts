import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AttestAgent } from '../../../activities/tpm/attest-agent.js';
import { serveAgent, type ServedAgent } from '../../../activities/tpm/serve-agent.js';
import { TPM_CC } from '../../../activities/tpm/tpm-commands.js';
import { swtpmMissing } from '../../../deploy/local/tpm/start-swtpm.js';
import { agentErrorSchema, quoteAnswerSchema, type QuoteAnswer } from '../../../domain/attestation-agent.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { makeCredential } from '../../../proofs/tpm/make-credential.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { AKS, QuotingHost } from '../../proofs/tpm/quoting-host.js';
import { failuresOf } from '../../proofs/tpm/software-quote.js';
import { ProxiedTpm } from './proxied-tpm.js';

const missing = swtpmMissing();
const TOKEN = 'a-token-of-at-least-thirty-two-characters';
const LOG = Buffer.from('an event log');
const AK = Number(AKS.ecdsa.handle);
const EK = 0x81010001;

describe.skipIf(missing !== null)(`the agent of a host${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reseal-agent-'));
  let host: QuotingHost;
  let proxy: ProxiedTpm;
  let served: ServedAgent;
  const nonce = randomBytes(32).toString('hex');
  const question = { nonce, pcrs: { sha256: [7, 0, 4] } };

  beforeAll(async () => {
    host = await QuotingHost.start();
    await host.tpm.tool('tpm2_createek', '-c', `0x${EK.toString(16)}`, '-G', 'rsa', '-u', 'ek.pub');
    proxy = await ProxiedTpm.start(host.tpm.socket);
    writeFileSync(join(folder, 'log'), LOG);
    const options = { tpm: { socket: proxy.socket }, ak: AK, ek: EK, eventLog: join(folder, 'log'), token: TOKEN };
    served = await serveAgent(new AttestAgent(options), { host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await served?.close();
    await proxy?.stop();
    await host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${served.url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    });
    return { status: response.status, body: await response.json() };
  };
  const refusal = async (...asked: Parameters<typeof ask>): Promise<string> => {
    const { status, body } = await ask(...asked);
    return `${status} ${agentErrorSchema.parse(body).error.code}`;
  };
  const failures = (answer: QuoteAnswer): string[] => {
    const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
    const evidence = {
      quote: bytes(answer.quote),
      signature: bytes(answer.signature),
      ak: readAttestationKey(bytes(answer.ak)),
      pcrs: readPcrValues(JSON.stringify(answer.pcrs)),
    };
    return failuresOf(verifyQuote(evidence, { nonce: Buffer.from(nonce, 'hex') }));
  };

  it('quotes what it is asked for, with the event log where that is wanted', async () => {
    const { status, body } = await ask('/v1/quote', { ...question, event_log: true });
    expect(status).toBe(200);
    const answer = quoteAnswerSchema.parse(body);
    expect(failures(answer)).toEqual([]);
    expect(Object.keys(answer.pcrs['sha256'] ?? {})).toEqual(['0', '4', '7']);
    expect(answer.event_log).toBe(LOG.toString('base64'));
    expect(quoteAnswerSchema.parse((await ask('/v1/quote', question)).body).event_log).toBeNull();
  });

  it('activates a credential that was made for its key', async () => {
    const secret = randomBytes(32);
    const made = makeCredential(await host.endorsementKey(), await host.read('ecdsa.name'), secret);
    if (!made.ok) throw new Error(made.detail);
    const challenge = {
      credential_blob: made.value.credentialBlob.toString('base64'),
      encrypted_secret: made.value.encryptedSecret.toString('base64'),
    };
    expect(await ask('/v1/activate', challenge)).toEqual({ status: 200, body: { secret: secret.toString('base64') } });
    const other = { ...challenge, credential_blob: Buffer.alloc(68).toString('base64') };
    expect(await refusal('/v1/activate', other)).toBe('422 tpm_refused');
  });

  it('answers one at a time, and tells the second so at once', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => {
      proxy.interfere = async (code) => {
        if (code !== TPM_CC.quote) return undefined;
        resolve();
        await held;
        return undefined;
      };
    });
    const first = ask('/v1/quote', question);
    await reached;
    expect(await refusal('/v1/quote', question)).toBe('429 agent_busy');
    expect((await fetch(`${served.url}/health`)).status).toBe(200);
    release();
    expect((await first).status).toBe(200);
    proxy.interfere = () => undefined;
    expect((await ask('/v1/quote', question)).status).toBe(200);
  });

  it('says that the TPM is not there, and answers again when it is', async () => {
    proxy.interfere = () => null;
    expect(await refusal('/v1/quote', question)).toBe('503 tpm_unreachable');
    proxy.interfere = () => undefined;
    expect((await ask('/v1/quote', question)).status).toBe(200);
  });

  it.each([
    ['401 unauthorized', '/v1/quote', question, { authorization: `Bearer ${TOKEN}x` }],
    ['401 unauthorized', '/v1/quote', question, { authorization: '' }],
    ['401 unauthorized', '/v1/nothing', question, { authorization: 'Basic eA==' }],
    ['404 not_found', '/v1/nothing', question, {}],
    ['400 malformed', '/v1/quote', '{', {}],
    ['400 malformed', '/v1/quote', `{"nonce":"${nonce}","nonce":"${nonce}","pcrs":{"sha256":[0]}}`, {}],
    ['400 malformed', '/v1/quote', { ...question, nonce: '4e4e' }, {}],
    ['400 malformed', '/v1/quote', { ...question, nonce: nonce + nonce }, {}],
    ['400 malformed', '/v1/quote', { ...question, pcrs: {} }, {}],
    ['400 malformed', '/v1/quote', { ...question, pcrs: { sha1: [0] } }, {}],
    ['400 malformed', '/v1/quote', { ...question, pcrs: { sha256: [24] } }, {}],
    ['400 malformed', '/v1/activate', { credential_blob: 'AA==' }, {}],
    ['413 too_large', '/v1/quote', ' '.repeat(70_000), {}],
  ] as [string, string, unknown, Record<string, string>][])(
    'refuses with %s',
    async (expected, path, body, headers) => {
      const asked = proxy.seen.length;
      expect(await refusal(path, body, headers)).toBe(expected);
      expect(proxy.seen.length).toBe(asked);
    },
  );

  const openssl = spawnSync('openssl', ['version']).error === undefined;
  it.skipIf(!openssl)(
    `over TLS, answers whoever has a certificate of its authority alone${openssl ? '' : ' (skipped: no openssl)'}`,
    async () => {
      const certificate = (name: string): { key: string; cert: string } => {
        const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
        const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
        const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
        execFileSync('openssl', [...args, ...files, ...names], { cwd: folder, stdio: 'ignore' });
        return {
          key: readFileSync(join(folder, `${name}.key`), 'utf8'),
          cert: readFileSync(join(folder, `${name}.pem`), 'utf8'),
        };
      };
      const [agent, verifier, stranger] = [certificate('agent'), certificate('verifier'), certificate('stranger')];
      const options = { tpm: { socket: proxy.socket }, ak: AK, token: null };
      const secure = await serveAgent(new AttestAgent(options), {
        host: '127.0.0.1',
        port: 0,
        tls: { ...agent, clientCa: verifier.cert },
      });
      const status = (who: { key: string; cert: string } | undefined): Promise<number | string> =>
        new Promise((resolve) => {
          const asked = httpsRequest(
            `${secure.url}/v1/quote`,
            { method: 'POST', ca: agent.cert, ...who },
            (response) => {
              response.resume();
              resolve(response.statusCode ?? 0);
            },
          );
          asked.on('error', () => resolve('no connection'));
          asked.end(JSON.stringify(question));
        });
      try {
        expect(await status(verifier)).toBe(200);
        expect(await status(stranger)).toBe('no connection');
        expect(await status(undefined)).toBe('no connection');
      } finally {
        await secure.close();
      }
    },
  );
});
