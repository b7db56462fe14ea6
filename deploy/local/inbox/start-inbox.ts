import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { inboxApp } from './inbox-app.js';

/** A running inbox. `url` is where webhooks go, and what a browser opens. */
export interface NoticeInbox {
  url: string;
  close(): Promise<void>;
}

/** Serves `inboxApp` on 127.0.0.1; makes the secret file, mode 0600, where there is none. Rejects when the port is taken. */
export async function startNoticeInbox({
  port,
  secretPath,
}: {
  port: number;
  secretPath: string;
}): Promise<NoticeInbox> {
  await writeFile(secretPath, `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    },
  );
  const app = inboxApp((await readFile(secretPath, 'utf8')).trim());
  const server = await new Promise<Server>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, () => resolve(starting)) as Server;
    starting.once('error', reject);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
