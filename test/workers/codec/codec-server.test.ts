import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { codecApp, startCodecServer } from '../../../workers/codec/codec-server.js';
import { makeKeyring } from '../../../workers/codec/keyring.js';
import { EncryptionCodec } from '../../../workers/codec/payload-codec.js';
import { payloadConverter } from '../../../workers/codec/payload-converter.js';

const uiOrigin = 'http://127.0.0.1:8233';
const codec = new EncryptionCodec(makeKeyring('k-1', [['k-1', randomBytes(32)]]));
const b64 = (data: Uint8Array | string): string => Buffer.from(data as string).toString('base64');

/** A payload as the Web UI sends it. */
async function wire(value: unknown): Promise<{ metadata: Record<string, string>; data: string }> {
  const [payload] = await codec.encode([payloadConverter.toPayload(value)]);
  const metadata = Object.fromEntries(Object.entries(payload?.metadata ?? {}).map(([name, data]) => [name, b64(data)]));
  return { metadata, data: b64(payload?.data ?? '') };
}

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('the codec endpoint', () => {
  it('decodes over HTTP what it can and explains what it cannot', async () => {
    const server = await startCodecServer({ codec, uiOrigin });
    try {
      const plain = { metadata: { encoding: b64('json/plain') }, data: b64('1') };
      const request = post(
        { payloads: [await wire({ act: 'approve' }), plain] },
        { origin: uiOrigin, 'x-namespace': 'd' },
      );
      const answer = await fetch(`${server.url}/decode`, request);
      expect(answer.headers.get('access-control-allow-origin')).toBe(uiOrigin);
      expect(await answer.json()).toEqual({
        payloads: [
          { metadata: { encoding: b64('json/plain') }, data: b64('{"act":"approve"}') },
          { metadata: { encoding: b64('json/plain') }, data: b64('{"undecodable":true,"reason":"not_encrypted"}') },
        ],
      });
    } finally {
      await server.stop();
    }
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it('lets the Web UI, and no other page, ask', async () => {
    const app = codecApp({ codec, uiOrigin });
    const preflight = (origin: string) =>
      app.request('/decode', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-namespace' },
      });
    const allowed = await preflight(uiOrigin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-headers')).toBe(
      'content-type,x-namespace,authorization,authorization-extras',
    );
    expect((await preflight('http://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    const foreign = await app.request(
      '/decode',
      post({ payloads: [await wire(1)] }, { origin: 'http://evil.example' }),
    );
    expect(foreign.status).toBe(403);
  });

  it('encodes nothing and serves nothing else', async () => {
    const app = codecApp({ codec, uiOrigin });
    expect((await app.request('/encode', post({ payloads: [] }))).status).toBe(404);
    expect((await app.request('/decode')).status).toBe(404);
  });

  it('asks for its token where it has one', async () => {
    const app = codecApp({ codec, uiOrigin, bearerToken: 't0ken' });
    const body = { payloads: [await wire(1)] };
    expect((await app.request('/decode', post(body))).status).toBe(401);
    expect((await app.request('/decode', post(body, { authorization: 'Bearer t0ke' }))).status).toBe(401);
    expect((await app.request('/decode', post(body, { authorization: 'Bearer t0ken' }))).status).toBe(200);
  });

  it.each(['', '{', '[]', '{"payloads":{}}', '{"payloads":[{"data":7}]}', '{"payloads":[null]}'])(
    'refuses the body %j',
    async (body) => {
      expect((await codecApp({ codec, uiOrigin }).request('/decode', post(body))).status).toBe(400);
    },
  );

  it('answers base64 that is none as undecodable', async () => {
    const body = { payloads: [{ metadata: { encoding: '***' }, data: '%%' }] };
    const answer = await codecApp({ codec, uiOrigin }).request('/decode', post(body));
    expect(answer.status).toBe(200);
    const [payload] = ((await answer.json()) as { payloads: { data: string }[] }).payloads;
    expect(Buffer.from(payload?.data ?? '', 'base64').toString()).toContain('"undecodable":true');
  });

  it('refuses a body over 4 MiB', async () => {
    const answer = await codecApp({ codec, uiOrigin }).request('/decode', post('x'.repeat(4 * 1024 * 1024 + 1)));
    expect(answer.status).toBe(413);
  });
});
