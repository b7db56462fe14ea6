import { open } from 'node:fs/promises';
import { failureCode, SEND_MS, within, type NoticeChannel, type SendOutcome } from './channel.js';
import { parseWebhookKeys, webhookHeaders, type WebhookKey } from './standard-webhooks.js';

/** Where to post, and the file that holds the signing keys, one a line: it is read for each message, so that a key can be changed at any time. */
export interface WebhookSettings {
  url: string;
  secret_path: string;
}

/** Longer than any line of keys. */
const MAX_SECRET_BYTES = 4096;

/**
 * A channel that posts each notice as JSON, signed as Standard Webhooks 1.0.0 says. It follows no redirect, so that nothing
 * it is told to can move it to another host, and reads nothing of an answer but its status and `Retry-After`. An attempt
 * takes at most `limitMs` (15 s).
 */
export function webhookChannel({ url, secret_path }: WebhookSettings, limitMs = SEND_MS): NoticeChannel {
  return {
    async send({ id, body }, stop) {
      const keys = await readKeys(secret_path);
      if (typeof keys === 'string') return { code: 'channel_unusable', status: null };
      const headers = {
        ...webhookHeaders(keys, { id, body, nowMs: Date.now() }),
        'content-type': 'application/json',
        'user-agent': 'reseal',
      };
      try {
        const answer = await within({ stop, ms: limitMs }, (signal) =>
          fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }),
        );
        // Not awaited: a receiver that goes on sending holds nobody up, and its connection is closed.
        void answer.body?.cancel().catch(() => undefined);
        return outcomeOf(answer);
      } catch (error) {
        return { code: failureCode(error, stop), status: null };
      }
    },
    async fault() {
      const keys = await readKeys(secret_path);
      return typeof keys === 'string' ? keys : null;
    },
  };
}

function outcomeOf({ status, headers }: Response): SendOutcome {
  if (status >= 200 && status < 300) return { code: null, status };
  if (status >= 300 && status < 400) return { code: 'redirected', status };
  const seconds = headers.get('retry-after');
  const retry_after = seconds !== null && /^\d{1,6}$/.test(seconds) ? { retry_after: Number(seconds) } : {};
  return { code: 'http_status', status, ...retry_after, ...(status === 410 ? { final: true } : {}) };
}

/** The keys in the file, or what is wrong with it. */
async function readKeys(path: string): Promise<WebhookKey[] | string> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return `the secret file ${path} cannot be read`;
  try {
    const { mode, size } = await file.stat();
    if ((mode & 0o077) !== 0) return `others may use the secret file; run: chmod 600 '${path}'`;
    const keys = size > MAX_SECRET_BYTES ? undefined : parseWebhookKeys(await file.readFile('utf8'));
    return keys ?? `${path} holds no signing key: expected one to four lines of whsec_… or whsk_…`;
  } catch {
    return `the secret file ${path} cannot be read`;
  } finally {
    await file.close();
  }
}
