import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { accountAdapter } from '../../../activities/containment/account-adapter.js';
import { commandAdapter } from '../../../activities/containment/command-adapter.js';
import { callService } from '../../../activities/containment/service-call.js';
import { loopbackAccess } from '../../../activities/graph/wire/graph-access.js';
import { systemClock } from '../../../activities/clock.js';
import { HostState } from '../../../deploy/local/host/host-state.js';
import { startPart } from '../../../deploy/local/host/part-server.js';
import { startGraphSimulator } from '../../../deploy/local/graph/server.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-adapters-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const cause = { incident_id: 'INC-20260601-100000-0001', host: 'edge-1' };
const script = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o700 });
  return file;
};

describe('a program that contains', () => {
  const place = join(folder, 'unit.state');
  const unit = script(
    'unit',
    `case "$1" in stop|start) printf '%s' "$1" > ${place} ;; *) [ "$(cat ${place})" = stop ] && { echo inactive; exit 3; }; echo active ;; esac`,
  );
  const target = {
    kind: 'command' as const,
    contain: [unit, 'stop'] as [string, ...string[]],
    release: [unit, 'start'] as [string, ...string[]],
    state: {
      command: [unit, 'is-active'] as [string, ...string[]],
      contained: 'inactive',
      released: 'active',
      exit_statuses: [0, 3],
    },
    timeout_seconds: 30,
  };

  it('stops a unit, says so with a status of its own, and starts it again', async () => {
    writeFileSync(place, 'start');
    const adapter = commandAdapter(target);
    expect(await adapter.observe()).toEqual({ state: 'released', revision: null });
    await adapter.contain(cause);
    expect(await adapter.observe()).toEqual({ state: 'contained', revision: null });
    await adapter.release(cause);
    expect((await adapter.observe()).state).toBe('released');
  });

  it.each([
    ['is not there', { contain: [join(folder, 'nothing')] }, 'command_not_started'],
    ['fails', { contain: ['/bin/false'] }, 'command_failed'],
    ['is ended', { contain: [script('dies', 'kill -9 $$')] }, 'command_failed'],
    ['prints without end', { contain: ['/usr/bin/yes'] }, 'answer_too_long'],
  ] as [string, { contain: [string, ...string[]] }, string][])(
    'says of one that %s that it did',
    async (_, change, code) => {
      await expect(commandAdapter({ ...target, ...change }).contain(cause)).rejects.toMatchObject({ code });
    },
  );

  it('gives no shell: what would be one is an argument', async () => {
    const seen = join(folder, 'argument');
    const argument = `$(touch ${join(folder, 'injected')}); \`id\``;
    await commandAdapter({ ...target, contain: [script('echoes', `printf '%s' "$1" > ${seen}`), argument] }).contain(
      cause,
    );
    expect(readFileSync(seen, 'utf8')).toBe(argument);
    expect(existsSync(join(folder, 'injected'))).toBe(false);
  });

  it('hands nothing of the role on but what finds programs', async () => {
    process.env['RESEAL_TEST_SECRET'] = 'secret';
    const seen = join(folder, 'environment');
    await commandAdapter({ ...target, contain: [script('env', `env > ${seen}`)] }).contain(cause);
    delete process.env['RESEAL_TEST_SECRET'];
    expect(readFileSync(seen, 'utf8')).toContain('PATH=');
    expect(readFileSync(seen, 'utf8')).not.toContain('RESEAL_TEST_SECRET');
  });

  it('ends a program that takes too long, and all that it started', async () => {
    const pid = join(folder, 'pid');
    const slow = script('slow', `sleep 600 & echo $! > ${pid}; wait`);
    const adapter = commandAdapter({ ...target, contain: [slow], timeout_seconds: 1 });
    await expect(adapter.contain(cause)).rejects.toMatchObject({ code: 'timed_out' });
    const child = Number(readFileSync(pid, 'utf8'));
    const alive = (): boolean => {
      try {
        // A zombie that nobody has waited for yet is none that runs.
        return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${child}/stat`, 'utf8'));
      } catch {
        return false;
      }
    };
    while (alive()) await sleep(20);
  });
});

describe('a service that contains', () => {
  const token = join(folder, 'token');

  it('is shown the token that its file has now', async () => {
    const server = await startPart(new HostState(), 'agent', { tokens: { read: 'r1', write: 'w1' } });
    const service = { url: server.url, token_file: token };
    const ask = () => callService(service, { method: 'GET', path: '/api/v1/state', limitMs: 30_000 });
    try {
      await expect(ask()).rejects.toMatchObject({ code: 'token_unreadable' });
      writeFileSync(token, 'w0\n', { mode: 0o600 });
      await expect(ask()).rejects.toMatchObject({ code: 'unauthorized' });
      writeFileSync(token, 'w1\n');
      expect(await ask()).toMatchObject({ state: 'running' });
      chmodSync(token, 0o644);
      await expect(ask()).rejects.toMatchObject({
        code: 'token_unreadable',
        detail: `${token}: can be read by others: chmod 600 ${token}`,
      });
      chmodSync(token, 0o600);
      writeFileSync(token, 'w1\r\nX-Injected: yes');
      const refused: unknown = await ask().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'token_unreadable' });
      expect(String(refused)).not.toContain('Injected');
      writeFileSync(token, 'r1');
      const write = callService(service, { method: 'POST', path: '/api/v1/contain', body: {}, limitMs: 30_000 });
      await expect(write).rejects.toMatchObject({ code: 'unauthorized' });
    } finally {
      await server.close();
    }
  });

  it('is believed only with a certificate of the authority that is configured', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '1',
        '-keyout',
        key,
        '-out',
        cert,
        ...subject,
      ],
      { stdio: 'ignore' },
    );
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
      response.end('{"state":"running"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const call = { method: 'GET', path: '/api/v1/state', limitMs: 30_000 };
    try {
      await expect(callService({ url }, call)).rejects.toMatchObject({ code: 'unreachable' });
      expect(await callService({ url, ca_file: cert }, call)).toEqual({ state: 'running' });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('an account that is contained', () => {
  const user_id = 'a11ce000-0000-4000-8000-00000000000a';
  const tenant_id = 'c0ffee00-0000-4000-8000-000000000001';
  const target = { kind: 'graph_account' as const, tenant_id, user_id, end_sessions: true };

  it('is disabled, its sessions end, and it is enabled again; a protected one is never touched', async () => {
    const users = [{ id: user_id, userPrincipalName: 'alice@corp.example', displayName: 'Alice' }];
    const simulator = await startGraphSimulator({ seed: { users } });
    try {
      const permissions = ['User.EnableDisableAccount.All', 'User.RevokeSessions.All', 'User.Read.All'];
      const graph = loopbackAccess({
        application_id: '5e5ea100-0000-4000-8000-0000000000da',
        base_url: simulator.url,
        permissions,
        tells_time: false,
      });
      const adapter = accountAdapter({ graph, clock: systemClock, protectedIds: new Set() }, target);
      expect((await adapter.observe()).state).toBe('released');
      await adapter.contain(cause);
      expect((await adapter.observe()).state).toBe('contained');
      await adapter.release(cause);
      expect((await adapter.observe()).state).toBe('released');
      const kept = accountAdapter({ graph, clock: systemClock, protectedIds: new Set([user_id]) }, target);
      await expect(kept.contain(cause)).rejects.toMatchObject({ code: 'protected_target' });
      expect((await adapter.observe()).state).toBe('released');
      const nobody = { ...target, user_id: 'b0b00000-0000-4000-8000-00000000000b' };
      const gone = accountAdapter({ graph, clock: systemClock, protectedIds: new Set() }, nobody);
      await expect(gone.observe()).rejects.toMatchObject({ code: 'not_found' });
    } finally {
      await simulator.close();
    }
  });
});
