import { describe, expect, it } from 'vitest';

import { ceremony, edited, told } from './told-ceremony.js';

const { policy_digest } = ceremony.request;
const call = (over: Record<string, unknown> = {}) => ({
  at: '2026-11-21T10:03:01.000Z',
  method: 'POST',
  path: '/roleManagement/directory/roleAssignmentScheduleRequests',
  status: 201,
  request_digest: 'a'.repeat(64),
  response_digest: 'b'.repeat(64),
  client_request_id: 'c',
  graph_request_id: 'd',
  ...over,
});

describe('what was called, in a bundle', () => {
  it('is told of changes, with tool and request id; reads and what is no call are left out', () => {
    const calls = [call({ method: 'GET' }), call(), 'no call', call({ status: null, graph_request_id: null })];
    const { ok, report } = told(edited('granted', { policy_digest, tool: 'a.tool', calls }));
    expect(ok).toBe(true);
    const { request_digest: _asked, response_digest: _answered, client_request_id: _ours, ...kept } = call();
    expect(report.facts.calls).toEqual([
      { ...kept, tool: 'a.tool' },
      { ...kept, tool: 'a.tool', status: null, graph_request_id: null },
    ]);
  });

  it('fails when a receipt names another contract', () => {
    expect(told(edited('removal', { policy_digest: 'f'.repeat(64) })).codes).toEqual([
      'contract_refused entries[7].body',
    ]);
  });
});
