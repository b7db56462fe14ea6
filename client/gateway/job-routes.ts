import type { Context, Hono } from 'hono';
import { signedStatementSchema } from '../../domain/statement.js';
import type { ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';

/**
 * `POST /v1/jobs` takes a signed job statement and answers a token; `POST /v1/tools/{tool}` takes one call, with
 * `Authorization: DPoP <token>` and `DPoP: <proof>` (after RFC 9449 §7.1), its body a JSON object. Refusals are 403 with
 * `{outcome: "refused", code, message}`. The gateway verifies neither: the roles do.
 */
export function jobRoutes(app: Hono, api: ResealApi, readBody: (c: Context) => Promise<unknown>): void {
  app.post('/v1/jobs', async (c) => {
    const envelope = signedStatementSchema.safeParse(await readBody(c));
    if (!envelope.success) throw new ResealError('malformed', 'expected {payload, signature}');
    const answer = await api.job(envelope.data);
    return c.json(answer, answer.outcome === 'given' ? 200 : 403);
  });
  app.post('/v1/tools/:tool', async (c) => {
    const [, token] = /^DPoP ([\w-]+[.][\w-]+[.][\w-]*)$/i.exec(c.req.header('authorization') ?? '') ?? [];
    const proof = c.req.header('dpop');
    if (token === undefined || proof === undefined)
      throw new ResealError('malformed', 'a tool is called with `Authorization: DPoP <token>` and `DPoP: <proof>`', {
        hint: 'run the job under `reseal exec`, which does that',
      });
    const body = await readBody(c);
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new ResealError('malformed', 'the body is a JSON object: {} where there is nothing to say');
    const call = { tool: c.req.param('tool'), body: body as Record<string, unknown>, token, proof };
    const answer = await api.callTool(call);
    return c.json(answer, STATUS[answer.outcome]);
  });
}

const STATUS = { done: 200, refused: 403, unanswered: 504 } as const;
