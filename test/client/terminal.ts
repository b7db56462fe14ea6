import { PassThrough } from 'node:stream';
import { HttpApi } from '../../client/api/http-api.js';
import type { ResealApi } from '../../client/api/reseal-api.js';
import { run } from '../../client/cli/run.js';
import { gatewayApp } from '../../client/gateway/gateway-app.js';
import type { Runbook } from '../../client/gateway/runbook.js';

export interface Ran {
  status: number;
  out: string;
  err: string;
}

/** Runs one command line against an api, through the gateway's real HTTP interface without a socket. */
export async function reseal(
  api: ResealApi,
  argv: readonly string[],
  options: {
    env?: Record<string, string>;
    cwd?: string;
    /** What a person types; a terminal when given. */
    typed?: string;
    stdoutTTY?: boolean;
    signal?: AbortSignal;
    now?: () => number;
    runbook?: Runbook;
  } = {},
): Promise<Ran> {
  const app = gatewayApp({ api, ...(options.runbook === undefined ? {} : { runbook: options.runbook }) });
  const request = (async (input: string | URL | Request, init?: RequestInit) =>
    app.request(input, init)) as typeof fetch;
  let out = '';
  let err = '';
  const stdin = new PassThrough();
  if (options.typed !== undefined) stdin.end(options.typed);
  const status = await run(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    stdin,
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    isTTY: options.typed !== undefined,
    ...(options.stdoutTTY === undefined ? {} : { stdoutTTY: options.stdoutTTY }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.now === undefined ? {} : { now: options.now }),
    connect: async ({ gatewayUrl }) => new HttpApi({ url: gatewayUrl, fetch: request }),
  });
  return { status, out, err };
}
