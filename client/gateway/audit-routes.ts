import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { AuditFilter } from '../../domain/audit-line.js';
import { instantSchema } from '../../domain/identifiers.js';
import { importBatchSchema } from '../../domain/imported-history.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import type { ResealApi } from '../api/reseal-api.js';
import { issuePath, issueText } from '../api/issue-text.js';
import { ResealError } from '../api/reseal-error.js';

/** A batch of 256 KiB of lines whose every other character is escaped. */
const MAX_IMPORT_BYTES = 768 * 1024;

const filterSchema = z.strictObject({
  after: z.coerce.number().int().min(0).optional(),
  last: z.coerce.number().int().min(1).max(500).optional(),
  since: instantSchema.optional(),
  until: instantSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(200),
});

/**
 * Reads which lines of the audit log are asked for, from a query string.
 *
 * @throws {ResealError} `usage`, naming the filter.
 */
export function parseAuditFilter(query: Readonly<Record<string, string>>): AuditFilter {
  const parsed = filterSchema.safeParse(query);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new ResealError('usage', 'the filters are not understood');
  throw new ResealError('usage', `filter ${issuePath(issue).map(String).join('.')}: ${issueText(issue, query)}`);
}

/**
 * `GET /v1/audit` → `{lines: [{seq, line}]}`, and `POST /v1/audit/imports`, whose body is larger than any other: these
 * routes come before the limit of the others. The gateway verifies no line; the register does.
 */
export function auditRoutes(app: Hono, api: ResealApi): void {
  app.get('/v1/audit', async (c) => c.json({ lines: await api.auditLines(parseAuditFilter(c.req.query())) }));
  const limit = bodyLimit({
    maxSize: MAX_IMPORT_BYTES,
    onError: () => {
      throw new ResealError('too_large', 'a batch of history is at most 768 KiB: send it in parts');
    },
  });
  app.post('/v1/audit/imports', limit, async (c) => {
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
      throw new ResealError('unsupported_media_type', 'send it as application/json');
    }
    const json = parseStrictJson(new Uint8Array(await c.req.arrayBuffer()), { maxBytes: MAX_IMPORT_BYTES });
    if (!json.ok) throw new ResealError('malformed', `the body is not JSON as it is accepted here: ${json.reason}`);
    const batch = importBatchSchema.safeParse(json.value);
    if (batch.success) return c.json(await api.importHistory(batch.data));
    const [issue] = batch.error.issues;
    throw new ResealError(
      'malformed',
      `not a batch of history: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? ''}`,
    );
  });
}
