import type { Context, Hono } from 'hono';
import { MODEL_RECEIPT } from '../../domain/job.js';
import { signedStatementSchema } from '../../domain/statement.js';
import type { ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';

/**
 * `POST /v1/jobs` takes a signed job statement and answers a token; `POST /v1/tools/{tool}` takes one call, with
 * `Authorization: DPoP <token>` and `DPoP: <proof>` (after RFC 9449 §7.1), its body a JSON object; `POST /v1/receipts` the same
 * with `{receipt}`, a signed receipt of a model call. Refusals are 403 with
 * `{outcome: "refused", code, message}`. The gateway verifies neither: the roles do.
 */
export function jobRoutes(app: Hono, api: ResealApi, readBody: (c: Context) => Promise<unknown>): void {
  app.post('/v1/jobs', async (c) => {
    const envelope = signedStatementSchema.safeParse(await readBody(c));
    if (!envelope.success) throw new ResealError('malformed', 'expected {payload, signature}');
    const answer = await api.job(envelope.data);
    return c.json(answer, answer.outcome === 'given' ? 200 : 403);
  });
  const call = async (c: Context, tool: string) => {
    const [, token] = /^DPoP ([\w-]+[.][\w-]+[.][\w-]*)$/i.exec(c.req.header('authorization') ?? '') ?? [];
    const proof = c.req.header('dpop');
    if (token === undefined || proof === undefined)
      throw new ResealError('malformed', 'a tool is called with `Authorization: DPoP <token>` and `DPoP: <proof>`', {
        hint: 'run the job under `reseal exec`, which does that',
      });
    const body = await readBody(c);
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new ResealError('malformed', 'the body is a JSON object: {} where there is nothing to say');
    const answer = await api.callTool({ tool, body: body as Record<string, unknown>, token, proof });
    return c.json(answer, STATUS[answer.outcome]);
  };
  app.post('/v1/tools/:tool', (c) => call(c, c.req.param('tool')));
  app.post('/v1/receipts', (c) => call(c, MODEL_RECEIPT));
}

const STATUS = { done: 200, refused: 403, unanswered: 504 } as const;
