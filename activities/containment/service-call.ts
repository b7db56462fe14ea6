import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ServiceSettings } from '../../domain/incidents/host.js';
import { parseStrictJson, type JsonValue } from '../../proofs/strict-json.js';
import { timeLimit } from '../time-limit.js';
import { TargetFailure } from './adapter.js';
import { readToken } from './token-file.js';

/** States and receipts are short. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** One call of a service: `path` under its configured address, `body` sent as JSON. */
export interface ServiceCall {
  method: string;
  path: string;
  body?: object;
  /** For the whole of it, answer included. */
  limitMs: number;
}

/**
 * Calls a service at its configured address with the token from its file, and answers what a 2xx says (null where that is
 * nothing). No redirect is followed: a token goes where the configuration says and nowhere else. Throws TargetFailure.
 */
export async function callService(service: ServiceSettings, call: ServiceCall): Promise<JsonValue> {
  const token = service.token_file === undefined ? null : await readToken(service.token_file);
  const ca = service.ca_file === undefined ? undefined : await readCa(service.ca_file);
  const { status, body } = await send(service.url, call, { token, ca });
  if (status >= 300 && status < 400)
    throw new TargetFailure('redirected', `${place(service, call)}: HTTP ${status}, and no redirect is followed`);
  if (status === 401 || status === 403)
    throw new TargetFailure(
      'unauthorized',
      `${place(service, call)}: HTTP ${status}: look at ${service.token_file ?? 'token_file'}`,
    );
  if (status < 200 || status >= 300) throw new TargetFailure('http_status', `${place(service, call)}: HTTP ${status}`);
  if (body.length === 0) return null;
  const json = parseStrictJson(body);
  if (json.ok) return json.value;
  throw new TargetFailure('answer_malformed', `${place(service, call)}: the answer is no JSON`);
}

const place = ({ url }: ServiceSettings, { method, path }: ServiceCall): string => `${method} ${url}${path}`;

const readCa = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new TargetFailure('unreachable', `${file}: ${error.code ?? 'cannot be read'}`);
  });

function send(
  url: string,
  call: ServiceCall,
  { token, ca }: { token: string | null; ca: string | undefined },
): Promise<{ status: number; body: Buffer }> {
  const target = new URL(url + call.path);
  const text = call.body === undefined ? '' : JSON.stringify(call.body);
  const headers = {
    accept: 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  const limit = timeLimit(call.limitMs);
  const options = { method: call.method, headers, agent: false as const, signal: limit.signal };
  const failed = (error: NodeJS.ErrnoException): TargetFailure => {
    if (error instanceof TargetFailure) return error;
    const at = `${call.method} ${url}${call.path}`;
    if (limit.signal.aborted) return new TargetFailure('timed_out', `${at}: nothing within ${call.limitMs / 1000} s`);
    return new TargetFailure('unreachable', `${at}: ${error.code ?? 'the connection broke'}`);
  };
  return new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
    const take = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_ANSWER_BYTES) return void chunks.push(chunk);
        response.destroy(new TargetFailure('answer_too_long', `${call.method} ${url}${call.path}: over 64 KiB`));
      });
      response.on('error', (error) => reject(failed(error)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    };
    const secure = target.protocol === 'https:';
    const trust = ca === undefined ? {} : { ca };
    const request = secure
      ? httpsRequest(target, { ...options, ...trust, minVersion: 'TLSv1.2' }, take)
      : httpRequest(target, options, take);
    request.on('error', (error) => reject(failed(error)));
    request.end(text);
  }).finally(() => limit.clear());
}
