import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { askForQuote, type AgentAnswer } from '../../../activities/tpm/agent-client.js';
import { AttestAgent } from '../../../activities/tpm/attest-agent.js';
import { serveAgent } from '../../../activities/tpm/serve-agent.js';
import { TPM_CC } from '../../../activities/tpm/tpm-commands.js';
import { swtpmMissing } from '../../../deploy/local/tpm/start-swtpm.js';
import { AKS, QuotingHost } from '../../proofs/tpm/quoting-host.js';
import { ProxiedTpm } from './proxied-tpm.js';

const QUESTION = { nonce: '4e'.repeat(32), pcrs: { sha256: [0] } };
const outcome = (answer: AgentAnswer<unknown>): string =>
  answer.ok ? 'answered' : `${answer.code}, ${answer.passes ? 'passes' : 'final'}`;

describe('when what answers is no agent', () => {
  let server: Server;
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const asked = async (answer: RequestListener): Promise<string> => {
    server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return outcome(await askForQuote({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }, QUESTION));
  };

  it.each([
    ['a page', 200, '<html></html>', 'malformed, final'],
    ['another JSON', 200, '{"ok":true}', 'malformed, final'],
    ['a member twice', 200, '{"quote":"AA==","quote":"AA=="}', 'malformed, final'],
    ['a proxy whose host is away', 502, 'Bad Gateway', 'unreachable, passes'],
    ['a proxy that wants less', 429, '', 'unreachable, passes'],
    ['a proxy that wants another way', 302, '', 'malformed, final'],
    ['a code that no agent has', 503, '{"error":{"code":"tpm_on_fire","message":"x"}}', 'unreachable, passes'],
    ['a refusal', 422, '{"error":{"code":"tpm_refused","message":"x"}}', 'tpm_refused, final'],
    ['a lockout', 503, '{"error":{"code":"tpm_lockout","message":"x"}}', 'tpm_lockout, final'],
    ['a TPM that is busy', 503, '{"error":{"code":"tpm_busy","message":"x"}}', 'tpm_busy, passes'],
  ])('%s is told apart', async (_name, status, body, expected) => {
    expect(await asked((_request, response) => response.writeHead(status).end(body))).toBe(expected);
  });

  it('and an answer without end is not read to its end', async () => {
    const forever: RequestListener = (_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    expect(await asked(forever)).toBe('unreachable, passes');
  });

  it('and a connection that is cut is no verdict', async () => {
    expect(await asked((request) => request.socket.destroy())).toBe('unreachable, passes');
  });
});

const missing = swtpmMissing();
describe.skipIf(missing !== null)(
  `when the agent is killed in the middle of a quote${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('that is no verdict, and its successor answers', async () => {
      const host = await QuotingHost.start();
      const proxy = await ProxiedTpm.start(host.tpm.socket);
      try {
        const agent = () =>
          new AttestAgent({ tpm: { socket: proxy.socket }, ak: Number(AKS.ecdsa.handle), token: null });
        const first = await serveAgent(agent(), { host: '127.0.0.1', port: 0 });
        const reached = new Promise<void>((resolve) => {
          proxy.interfere = (code) => {
            if (code !== TPM_CC.quote) return undefined;
            resolve();
            return new Promise(() => undefined);
          };
        });
        const cut = askForQuote({ url: first.url }, QUESTION);
        await reached;
        await first.close();
        expect(outcome(await cut)).toBe('unreachable, passes');

        // The TPM still answers whoever was there before: its connection is taken over by the next only when that is gone.
        proxy.drop();
        proxy.interfere = () => undefined;
        const second = await serveAgent(agent(), { host: '127.0.0.1', port: Number(new URL(first.url).port) });
        expect(outcome(await askForQuote({ url: second.url }, QUESTION))).toBe('answered');
        await second.close();
      } finally {
        await proxy.stop();
        await host.stop();
      }
    });
  },
);
