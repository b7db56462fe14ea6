import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestSchema, eventIdSchema } from '../../domain/identifiers.js';
import { parseDuration } from '../../domain/duration.js';
import type { ContractRegistry } from '../../proofs/contract-registry.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import type { ResealApi, StatementAnswer } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import {
  readActStatement,
  readFollowUpStatement,
  readRequestStatement,
  readReviewStatement,
} from '../api/statement-shape.js';
import { parseExplainQuestion } from '../explain/explain-question.js';
import { parseDecideQuestion } from '../decide/decide-question.js';
import type { DecisionLog } from '../decide/decision-log.js';
import { auditRoutes } from './audit-routes.js';
import { contractRoutes } from './contract-routes.js';
import { parseEventFilter } from './event-filter.js';
import { publicationRoutes } from './publication-routes.js';
import { incidentRoutes } from './incident-routes.js';
import { jobRoutes } from './job-routes.js';
import { runbookRoutes } from './runbook-routes.js';
import type { Runbook } from './runbook.js';

export interface GatewayDeps {
  api: ResealApi;
  /** Names by which this gateway may be called (`Host`, without port); any when left out, behind a proxy of one's own. */
  hosts?: readonly string[];
  /** Where decisions are written, if anywhere: one that cannot be written is not given. */
  decisionLog?: DecisionLog;
  /** Contracts, rosters and lists of revocations, shown to whoever asks; what of them counts is the reader's verdict. */
  registry?: ContractRegistry;
  /** Where what signers put is kept; nowhere when left out. It judges what it takes by the signatures alone. */
  publish?: ContractRegistry;
  /** Incidents, under `/v1/incidents` and as the recovery runbook asks for them; nothing of the kind when left out. */
  runbook?: Runbook;
  /** Told about failures that are nobody's mistake. What it gets holds no statement and no justification. */
  log?: (failure: { code: string; method: string; path: string; error: unknown }) => void;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_WAIT_SECONDS = 30;
const POLL_MS = 250;

/**
 * The gateway's HTTP interface, `/v1`. It carries and can delay; whether a statement counts is not decided here: its
 * shape is all that is looked at. Only `/v1/decide` is the gateway's own word, and as good as the gateway is. Errors are
 * `{error: {code, message, hint?}}`.
 */
export function gatewayApp({ api, hosts, log, decisionLog, registry, publish, runbook }: GatewayDeps): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    // No page of another site may use a browser that can reach this port, also not by rebinding its own name to it.
    const origin = c.req.header('origin');
    const { origin: own, hostname } = new URL(c.req.url);
    if ((origin !== undefined && origin !== own) || (hosts !== undefined && !hosts.includes(hostname))) {
      throw new ResealError('foreign_origin', 'pages of other sites may not use this gateway');
    }
    await next();
  });
  auditRoutes(app, api);
  publicationRoutes(app, publish);
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new ResealError('too_large', 'a body is at most 64 KiB');
      },
    }),
  );

  app.get('/v1/health', (c) => c.json({ status: 'ok' }));
  app.get('/v1/health/details', async (c) => c.json(await api.health()));
  app.get('/v1/policy', async (c) => c.json(await api.policy()));
  app.get('/v1/people/:name', async (c) => c.json(await api.person(c.req.param('name'))));

  app.get('/v1/people/:name/keys', async (c) => {
    const fingerprint = c.req.query('fingerprint');
    if (fingerprint === undefined)
      throw new ResealError('usage', 'whose keys they are is asked by ?fingerprint=SHA256:…');
    return c.json({ on_roster: await api.holdsKey(c.req.param('name'), fingerprint) });
  });

  contractRoutes(app, registry);

  app.post('/v1/events', async (c) => {
    const { envelope, statement } = readRequestStatement(await readBody(c));
    return c.json(await api.open(envelope, statement.event_id));
  });
  app.get('/v1/events', async (c) => c.json({ events: await api.list(parseEventFilter(c.req.query())) }));
  app.get('/v1/events/:id', async (c) => c.json(await api.get(eventId(c))));
  app.get('/v1/events/:id/request', async (c) => c.json(await api.request(eventId(c))));
  app.get('/v1/events/:id/notices', async (c) => c.json({ notices: await api.notices(eventId(c)) }));
  app.get('/v1/events/:id/ledger', async (c) => c.json({ entries: await api.ledger(eventId(c)) }));
  app.get('/v1/events/:id/bundle', async (c) => {
    const bundle = await api.bundle(eventId(c));
    return c.body(typeof bundle === 'string' ? bundle : JSON.stringify(bundle), 200, JSON_TYPE);
  });

  app.post('/v1/events/:id/statements', async (c) => {
    const id = eventId(c);
    const waitMs = waitOf(c);
    const { envelope, statement } = readActStatement(await readBody(c));
    const { digest } = await api.speak(id, statement.act, envelope);
    const answer: StatementAnswer = waitMs > 0 ? await answerWithin(api, id, digest, waitMs) : { status: 'pending' };
    const url = `/v1/events/${id}/statements/${digest}`;
    return c.json({ digest, ...answer, url }, answer.status === 'pending' ? 202 : 200);
  });
  app.get('/v1/events/:id/statements/:digest', async (c) => {
    const digest = digestSchema.safeParse(c.req.param('digest'));
    if (!digest.success) throw new ResealError('usage', 'a statement is asked for by its SHA-256 in hex');
    return c.json(await answerWithin(api, eventId(c), digest.data, waitOf(c)));
  });

  app.post('/v1/events/:id/reviews', async (c) => {
    const answer = await api.review(eventId(c), readReviewStatement(await readBody(c)).envelope);
    return c.json(answer, answer.status === 'pending' ? 202 : 200);
  });

  app.post('/v1/events/:id/follow-ups', async (c) => {
    const { envelope } = readFollowUpStatement(await readBody(c));
    return c.json(await api.sendFollowUp(eventId(c), envelope), 202);
  });
  app.get('/v1/events/:id/follow-ups/:follow', async (c) => {
    const id = c.req.param('follow');
    if (/^(take_back|restore_account)-[0-9a-f]{16}$/.test(id)) return c.json(await api.followUp(eventId(c), id));
    throw new ResealError('usage', 'a follow-up is asked for by the id that it was answered with');
  });

  jobRoutes(app, api, readBody);
  if (runbook !== undefined) {
    incidentRoutes(app, runbook, readBody);
    runbookRoutes(app, runbook, readBody);
  }

  app.post('/v1/decide', async (c) => {
    const decision = await api.decide(parseDecideQuestion(await readBody(c)));
    await decisionLog?.write(decision);
    return c.json(decision);
  });

  app.post('/v1/explain', async (c) => c.json(await api.explain(parseExplainQuestion(await readBody(c)))));

  app.notFound((c) =>
    c.json({ error: { code: 'not_found', message: 'there is nothing here', hint: 'see /v1/events' } }, 404),
  );
  app.onError((thrown, c) => {
    const error = asResealError(thrown);
    if (error.http >= 500) log?.({ code: error.code, method: c.req.method, path: c.req.path, error: thrown });
    const { code, message, field, missing, hint } = error;
    // What is undefined is left out.
    return c.json({ error: { code, message, field, missing, hint } }, error.http as ContentfulStatusCode);
  });
  return app;
}

const JSON_TYPE = { 'content-type': 'application/json' };
/** JSON is UTF-8 (RFC 8259, 8.1): a charset may say so and nothing else. Relatives such as json-patch are other types. */
const JSON_MEDIA_TYPE = /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

function asResealError(thrown: Error): ResealError {
  if (thrown instanceof ResealError) return thrown;
  if (thrown instanceof HTTPException && thrown.status < 500) return new ResealError('malformed', 'not understood');
  return new ResealError('internal', 'the gateway failed; its log says why', { cause: thrown });
}

async function readBody(c: Context): Promise<unknown> {
  // A form of another site's can only be sent as text: it must not become a statement.
  const plain = (c.req.header('content-encoding') ?? 'identity').toLowerCase() === 'identity';
  if (!plain || !JSON_MEDIA_TYPE.test(c.req.header('content-type') ?? '')) {
    throw new ResealError('unsupported_media_type', 'send it as application/json, in UTF-8 and not compressed');
  }
  const json = parseStrictJson(new Uint8Array(await c.req.arrayBuffer()), { maxBytes: MAX_BODY_BYTES });
  if (json.ok) return json.value;
  throw new ResealError('malformed', `the body is not JSON as it is accepted here: ${json.reason}`);
}

function eventId(c: Context): string {
  const id = eventIdSchema.safeParse(c.req.param('id'));
  if (id.success) return id.data;
  throw new ResealError('usage', 'an event id is 16 lower-case hex characters');
}

/** `?wait=5s` in milliseconds: how long the caller would like to wait for the ceremony's answer. */
function waitOf(c: Context): number {
  const text = c.req.query('wait');
  if (text === undefined) return 0;
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds <= MAX_WAIT_SECONDS) return seconds * 1000;
  throw new ResealError('usage', `wait is a duration of at most ${MAX_WAIT_SECONDS}s, such as 5s`);
}

async function answerWithin(api: ResealApi, id: string, digest: string, waitMs: number): Promise<StatementAnswer> {
  const until = performance.now() + waitMs;
  for (;;) {
    const answer = await api.verdict(id, digest);
    if (answer.status !== 'pending' || performance.now() + POLL_MS >= until) return answer;
    await sleep(POLL_MS);
  }
}
