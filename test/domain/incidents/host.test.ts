import { describe, expect, it } from 'vitest';
import { hostsSchema } from '../../../domain/incidents/host.js';

const service = { url: 'https://edge-1.example:8443/agent/', token_file: '/etc/reseal/agent.token' };
const freeze = {
  kind: 'http',
  service: 'agent',
  contain: { path: '/api/v1/freeze' },
  release: { path: '/api/v1/unfreeze' },
  state: { path: '/api/v1/state', contained: 'frozen', released: 'running' },
};
const hosts = (host: object) => ({ schema: 'reseal.hosts.v1', hosts: { 'edge-1': host } });
const messages = (value: unknown): string[] =>
  (hostsSchema.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('the hosts that a role may reach', () => {
  it('takes a host with a service, an action and an attest agent, and fills in the rest', () => {
    const read = hostsSchema.parse(
      hosts({
        services: { agent: service },
        actions: { freeze_agent: { agent: freeze } },
        attest_agent: { url: 'http://127.0.0.1:8521', token_file: '/etc/reseal/attest.token' },
      }),
    );
    expect(read.hosts['edge-1']?.services.agent?.url).toBe('https://edge-1.example:8443/agent');
    expect(read.hosts['edge-1']?.actions.freeze_agent?.['agent']).toMatchObject({
      contain: { method: 'POST' },
      state: { member: 'state' },
      timeout_seconds: 10,
    });
  });

  it.each([
    'http://edge-1.example/agent',
    'http://127.0.0.1.example',
    'https://user:secret@edge-1.example',
    'https://edge-1.example?token=x',
    'ftp://127.0.0.1',
    'https://',
    'http://localhost:1@evil.example',
    'https://edge-1.example\\@evil.example',
  ])('refuses the address %s', (url) => {
    expect(messages(hosts({ services: { agent: { ...service, url } } }))).toEqual([
      expect.stringContaining('hosts.edge-1.services.agent.url: expected https://'),
    ]);
  });

  it('refuses an action at a service that the host does not have', () => {
    expect(messages(hosts({ actions: { freeze_agent: { agent: freeze } } }))).toEqual([
      'hosts.edge-1.actions.freeze_agent.agent.service: this host has no service agent',
    ]);
  });

  it.each([
    [{ url: 'http://127.0.0.1:8521' }],
    [
      {
        url: 'http://127.0.0.1:8521',
        token_file: '/t',
        tls: { key_file: '/k', cert_file: '/c', ca_file: '/a' },
      },
    ],
  ])('refuses an attest agent that is shown nothing, or two things: %j', (attest_agent) => {
    expect(messages(hosts({ attest_agent }))).toEqual(['hosts.edge-1.attest_agent: expected either token_file or tls']);
  });

  it.each([
    ['actions.freeze_agent.unit.contain', { contain: ['systemctl', 'stop', 'agent'] }],
    ['actions.freeze_agent.unit.contain', { contain: 'systemctl stop agent' }],
    ['actions.freeze_agent.unit.timeout_seconds', { timeout_seconds: 3600 }],
  ])('refuses a command target at %s: %j', (where, change) => {
    const unit = {
      kind: 'command',
      contain: ['/usr/bin/systemctl', 'stop', 'agent'],
      release: ['/usr/bin/systemctl', 'start', 'agent'],
      state: { command: ['/usr/bin/systemctl', 'is-active', 'agent'], contained: 'inactive', released: 'active' },
    };
    expect(messages(hosts({ actions: { freeze_agent: { unit } } }))).toEqual([]);
    const [message] = messages(hosts({ actions: { freeze_agent: { unit: { ...unit, ...change } } } }));
    expect(message).toContain(`hosts.edge-1.${where}`);
  });

  it.each(['//evil.example/', 'api/v1/freeze', '/a/../admin', '/a b'])('refuses the path %j', (path) => {
    const agent = { ...freeze, contain: { path } };
    const [message] = messages(hosts({ services: { agent: service }, actions: { freeze_agent: { agent } } }));
    expect(message).toContain('actions.freeze_agent.agent.contain.path: expected a path');
  });

  it.each(['', 'Edge-1', '-edge', 'edge/1', 'a'.repeat(64)])('refuses %j as the name of a host', (name) => {
    expect(hostsSchema.safeParse({ schema: 'reseal.hosts.v1', hosts: { [name]: {} } }).success).toBe(false);
  });

  it('refuses an action without a target, and members it does not know', () => {
    expect(messages(hosts({ actions: { freeze_agent: {} } }))).toEqual([
      'hosts.edge-1.actions.freeze_agent: an action without a target contains nothing',
    ]);
    expect(messages(hosts({ token: 'x' })).join()).toContain('token');
  });
});
