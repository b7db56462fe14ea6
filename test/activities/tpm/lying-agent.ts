import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { QuoteAnswer, QuoteQuestion } from '../../../domain/attestation-agent.js';
import type { AgentAddress } from '../../../activities/tpm/agent-client.js';

/** How an agent lies: in what it asks its TPM for, in what it tells of the answer, or both. */
export interface Lie {
  ask?: (question: QuoteQuestion) => QuoteQuestion;
  tell?: (answer: QuoteAnswer, question: QuoteQuestion) => QuoteAnswer;
}

/** Stands where the agent of a host should, and lies about its quotes. */
export async function lyingAgent(
  { url, token = '' }: AgentAddress,
  lie: Lie,
): Promise<{ url: string; stop(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const question = JSON.parse(Buffer.concat(chunks).toString()) as QuoteQuestion;
      const isQuote = request.url === '/v1/quote';
      const body = JSON.stringify(isQuote ? (lie.ask?.(question) ?? question) : question);
      const headers = { authorization: `Bearer ${token}` };
      const asked = await fetch(`${url}${request.url ?? ''}`, { method: 'POST', body, headers });
      const answer = (await asked.json()) as QuoteAnswer;
      const told = isQuote && asked.status === 200 ? (lie.tell?.(answer, question) ?? answer) : answer;
      response.writeHead(asked.status, { 'content-type': 'application/json' }).end(JSON.stringify(told));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
