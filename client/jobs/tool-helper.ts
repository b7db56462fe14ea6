import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { MODEL_RECEIPT, toolPath } from '../../domain/job.js';
import { proveHolding, type HolderKey } from '../../proofs/holder-proof.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import type { ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';

export interface HelperOptions {
  api: Pick<ResealApi, 'callTool'>;
  holder: HolderKey;
  /** The token of the moment. */
  token: () => string;
  /** What `GET /v1/job` answers. */
  about: () => Record<string, unknown>;
  /** Epoch milliseconds; the system's clock. */
  now?: () => number;
}

/** A helper at work. */
export interface ToolHelper {
  /** Its UNIX socket, in a folder that only this user can enter. */
  socketPath: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 60 * 1024;
const STATUS = { done: 200, refused: 403, unanswered: 504 } as const;
const PREFIX = toolPath('');

/**
 * Serves a job's tools to its own process, so that it needs neither token nor key: `POST /v1/tools/{tool}` as at the
 * gateway, with a JSON object and no credentials, `POST /v1/receipts` likewise, and `GET /v1/job`. Whoever may enter the folder can call them: this user.
 */
export async function startToolHelper(options: HelperOptions): Promise<ToolHelper> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-job-'));
  const socketPath = path.join(folder, 'tools.sock');
  const server = createServer((request, response) => {
    void answer(options, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, ...failureOf(error)),
    );
  });
  await listen(server, socketPath);
  await chmod(socketPath, 0o600);
  return {
    socketPath,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answer(options: HelperOptions, request: IncomingMessage): Promise<{ status: number; body: object }> {
  const { api, holder, token, about, now = Date.now } = options;
  const { pathname } = new URL(request.url ?? '/', 'http://job');
  if (request.method === 'GET' && pathname === '/v1/job') return { status: 200, body: about() };
  const tool = request.method === 'POST' ? toolAt(pathname) : undefined;
  if (tool === undefined)
    throw new ResealError('not_found', 'there is GET /v1/job, POST /v1/tools/{tool} and POST /v1/receipts');
  const body = await readObject(request);
  const call = { token: token(), tool, body };
  const said = await api.callTool({ ...call, proof: await proveHolding(call, holder, now()) });
  return { status: STATUS[said.outcome], body: said };
}

function toolAt(pathname: string): string | undefined {
  if (pathname === toolPath(MODEL_RECEIPT)) return MODEL_RECEIPT;
  return pathname.startsWith(PREFIX) ? decodeURIComponent(pathname.slice(PREFIX.length)) : undefined;
}

/** Nothing at all is an empty object. */
async function readObject(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ResealError('too_large', 'a body is at most 60 KiB');
    chunks.push(chunk);
  }
  if (size === 0) return {};
  const json = parseStrictJson(new Uint8Array(Buffer.concat(chunks)), { maxBytes: MAX_BODY_BYTES });
  if (!json.ok || typeof json.value !== 'object' || json.value === null || Array.isArray(json.value))
    throw new ResealError('malformed', 'the body is a JSON object');
  return json.value;
}

function failureOf(error: unknown): [number, object] {
  const known = error instanceof ResealError ? error : new ResealError('internal', 'the helper failed');
  return [known.http, { error: { code: known.code, message: known.message } }];
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

const listen = (server: Server, socketPath: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
