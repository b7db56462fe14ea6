import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { html } from 'hono/html';
import { isAuthentic } from '../../../activities/notify/standard-webhooks.js';
import { ReceivedNotices, type ReceivedNotice } from './received-notices.js';

/** A notice names every approver that is asked: at most ten thousand people, and their names. */
const MAX_BODY_BYTES = 1024 * 1024;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * A place where notices of the local stack can be seen: takes webhooks that are signed with `secret` and no others, and
 * shows them as a page and, at `/notices`, as JSON. They hold justifications: no page of another site may read them.
 */
export function inboxApp(secret: string, now: () => number = Date.now): Hono {
  const app = new Hono();
  const received = new ReceivedNotices();
  app.use(async (c, next) => {
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    // A name of somebody else's that leads here would make this the other site's own page.
    if (!LOOPBACK.has(new URL(c.req.url).hostname)) return c.json({ error: 'foreign_host' }, 403);
    return next();
  });
  app.post(
    '/',
    bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.json({ error: 'too_large' }, 413) }),
    async (c) => {
      const body = await c.req.text();
      if (!isAuthentic(secret, c.req.header(), { body, nowMs: now() })) return c.json({ error: 'not_authentic' }, 401);
      if (!received.take(body, new Date(now()).toISOString())) return c.json({ error: 'malformed' }, 400);
      return c.body(null, 204);
    },
  );
  app.get('/notices', (c) => c.json({ notices: received.newestFirst() }));
  app.get('/', (c) => c.html(page(received.newestFirst())));
  return app;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
article{border-top:1px solid #ccc;padding:.8rem 0}time,code{color:#666}pre{overflow:auto;font-size:13px}`;

/** hono's `html` escapes whatever is put in. */
const page = (notices: readonly ReceivedNotice[]) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Notices</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <h1>Notices</h1>
        <p>What the local stack tells, the newest first; every signature was verified. Reload to see more.</p>
        ${notices.length === 0 ? html`<p>Nothing yet: ask for a role.</p>` : notices.map(article)}
      </body>
    </html>`;

const article = (notice: ReceivedNotice) =>
  html`<article>
    <strong>${notice.summary}</strong><br />
    <time>${notice.timestamp}</time> <code>${notice.type} ${notice.event_id}</code>
    <details>
      <summary>payload</summary>
      <pre>${JSON.stringify(notice, null, 2)}</pre>
    </details>
  </article>`;
