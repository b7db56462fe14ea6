import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { z } from 'zod';
import { controlBody, onControlError } from '../control-body.js';
import { ATTEST_AGENT, PARTS, SERVICES, type HostState, type PartName } from './host-state.js';
import type { LazyTpm } from './lazy-tpm.js';

const partSchema = z.enum(PARTS as [PartName, ...PartName[]]);
const faultSchema = z.strictObject({
  part: partSchema.or(z.literal(ATTEST_AGENT)),
  kind: z.enum(['slow', 'error', 'lie', 'unreachable', 'forget', 'redirect', 'endless']),
  times: z.number().int().min(1).nullable().default(null),
  delay_ms: z.number().int().min(0).max(600_000).default(0),
  status: z.number().int().min(400).max(599).default(500),
  state: z.string().max(64).nullable().default(null),
  location: z.string().max(256).nullable().default(null),
  method: z.enum(['GET', 'POST']).nullable().default(null),
});
const stateSchema = z.strictObject({
  part: partSchema,
  state: z.string().min(1).max(64),
  by: z.string().max(64).default('somebody'),
});
const extendSchema = z.strictObject({
  index: z.number().int().min(0).max(23),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
const mendSchema = z.strictObject({ index: z.literal([16, 23]) });
const bootSchema = z.strictObject({ how: z.enum(['restart', 'reset', 'power_cut']).default('reset') });

/**
 * The simulated host's other side: what somebody at the machine could do, and what can go wrong with it.
 *
 * `GET /state`, `POST /state` {part, state, by}, `POST /faults`, `DELETE /faults`, `POST /reset`; `GET /tpm` starts the TPM
 * and answers its socket and keys, `POST /tpm/extend` {index, digest?}, `POST /tpm/mend` {index}, `POST /tpm/boot` {how}.
 */
export function hostControl(host: HostState, tpm: LazyTpm): Hono {
  const app = new Hono();
  app.onError(onControlError);
  const parts = (): object => Object.fromEntries(PARTS.map((part) => [part, host.read(part)]));
  app.get('/health', (c) => c.json({ ok: true }));
  app.get('/state', (c) => c.json({ parts: parts(), asked: host.asked, words: SERVICES }));
  app.post('/state', async (c) => {
    const { part, state, by } = await controlBody(c, stateSchema);
    host.set(part, state, by);
    return c.json(host.read(part));
  });
  app.post('/faults', async (c) => {
    const { part, ...fault } = await controlBody(c, faultSchema);
    host.fault(part, fault);
    return c.json({ ok: true }, 201);
  });
  app.delete('/faults', (c) => {
    host.clearFaults();
    return c.json({ ok: true });
  });
  app.post('/reset', (c) => {
    host.reset();
    return c.json({ ok: true });
  });
  app.get('/tpm', async (c) => {
    if (tpm.missing !== null) return c.json({ available: false, reason: tpm.missing });
    const { socket, ek, ak, akName } = await tpm.identity();
    const keys = { ek: ek.toString('base64'), ak: ak.toString('base64'), ak_name: akName };
    return c.json({ available: true, socket, ...keys });
  });
  app.post('/tpm/extend', async (c) => {
    const { index, digest = createHash('sha256').update('drift').digest('hex') } = await controlBody(c, extendSchema);
    await tpm.extend(index, digest);
    return c.json({ ok: true });
  });
  app.post('/tpm/mend', async (c) => {
    await tpm.mend((await controlBody(c, mendSchema)).index);
    return c.json({ ok: true });
  });
  app.post('/tpm/boot', async (c) => {
    await tpm.boot((await controlBody(c, bootSchema)).how);
    return c.json({ ok: true });
  });
  return app;
}
