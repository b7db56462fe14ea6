import { timingSafeEqual, createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { z } from 'zod';

const PayloadProto = proto.temporal.api.common.v1.Payload;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The protobuf JSON form of `temporal.api.common.v1.Payloads`: bytes are base64, read leniently. */
const bytes = z.string().transform((text) => Buffer.from(text, 'base64'));
const payloadsJson = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), bytes).optional(), data: bytes.optional() })).max(1000),
});

/** Where to listen and who may ask. */
export interface CodecServerOptions {
  codec: PayloadCodec;
  /** Origin of the Web UI, for example `http://127.0.0.1:8233`; no other page may read an answer. */
  uiOrigin: string | readonly string[];
  /** A free port is chosen when left out. */
  port?: number;
  /** When given, requests need `Authorization: Bearer TOKEN`. */
  bearerToken?: string;
}

/** A running codec endpoint; `url` is what `--ui-codec-endpoint` takes. */
export interface CodecServer {
  url: string;
  stop(): Promise<void>;
}

/**
 * The codec endpoint that Temporal's Web UI decodes through: `POST /decode` and nothing else
 * (https://docs.temporal.io/production-deployment/data-encryption#codec-server-setup). It never encodes, so that it
 * cannot be used to make payloads. A payload that cannot be decrypted is answered as `{undecodable, reason}`.
 */
export function codecApp({ codec, uiOrigin, bearerToken }: Omit<CodecServerOptions, 'port'>): Hono {
  const app = new Hono();
  const origins = typeof uiOrigin === 'string' ? [uiOrigin] : [...uiOrigin];
  app.use('/decode', async (c, next) => {
    // CORS only hides the answer from a page; one that reached this port by DNS rebinding would not even be asked.
    const origin = c.req.header('origin');
    return origin === undefined || origins.includes(origin) ? next() : c.json({ error: 'foreign_origin' }, 403);
  });
  app.use(
    '/decode',
    cors({
      origin: origins,
      allowMethods: ['POST'],
      allowHeaders: ['content-type', 'x-namespace', 'authorization', 'authorization-extras'],
      credentials: true,
    }),
  );
  app.post(
    '/decode',
    bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.json({ error: 'too_large' }, 413) }),
    async (c) => {
      if (bearerToken !== undefined && !sameSecret(c.req.header('authorization') ?? '', `Bearer ${bearerToken}`)) {
        return c.json({ error: 'unauthorized' }, 401);
      }
      const body = payloadsJson.safeParse(await c.req.json().catch(() => null));
      if (!body.success) return c.json({ error: 'malformed' }, 400);
      const decoded = await codec.decode(body.data.payloads);
      return c.json({ payloads: decoded.map(payloadJson) });
    },
  );
  return app;
}

/** Serves `codecApp` on 127.0.0.1. Rejects when the port is taken. */
export async function startCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const app = codecApp(options);
  const server = await new Promise<ServerType>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: options.port ?? 0 }, () =>
      resolve(starting),
    );
    starting.once('error', reject);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

function payloadJson(payload: Payload): unknown {
  return PayloadProto.toObject(PayloadProto.create(payload), { bytes: String });
}

function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
