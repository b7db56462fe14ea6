import { PageIterator } from '@microsoft/microsoft-graph-client';
import { describe, expect, it } from 'vitest';
import { ALICE, ASSIGNMENTS, Caller, control, EXCHANGE_ADMIN, INSTANCES, refusal, REQUESTS } from './harness.js';
import { SCHEDULES, SECURITY_ADMIN, simulator, T0, TENANT, until, type Page, type Wire } from './harness.js';

const ROLES = '/roleManagement/directory/roleDefinitions';
const POLICIES = '/policies/roleManagementPolicyAssignments';

describe('when a list is filtered', () => {
  it.each([
    [REQUESTS, `principalId eq '${ALICE}' and status eq 'Provisioned'`, 1],
    [REQUESTS, `principalId ne '${ALICE}'`, 0],
    [REQUESTS, `principalId eq '${ALICE.toUpperCase()}'`, 0],
    [INSTANCES, `roleDefinitionId eq '${SECURITY_ADMIN}' and directoryScopeId eq '/'`, 1],
    [SCHEDULES, 'appScopeId eq null', 1],
    [ASSIGNMENTS, `roleDefinitionId eq '${SECURITY_ADMIN}'`, 1],
    [ROLES, `templateId eq '${SECURITY_ADMIN}'`, 1],
    [ROLES, `displayName eq 'security administrator'`, 0],
    [ROLES, `displayName eq 'Security Administrator'`, 1],
  ])('%s with %s has %i', async (path, filter, expected) => {
    const caller = new Caller(await simulator());
    await caller.pim();
    expect(await caller.list(path, filter)).toHaveLength(expected);
  });

  it.each([
    [REQUESTS, "ticketInfo/ticketNumber eq 'x'", '400 Request_UnsupportedQuery'],
    [REQUESTS, "justification eq 'x'", '400 Request_UnsupportedQuery'],
    [REQUESTS, `principalId eq 'a' or principalId eq 'b'`, '400 Request_UnsupportedQuery'],
    [REQUESTS, `startswith(principalId,'a')`, '400 Request_UnsupportedQuery'],
    [REQUESTS, "principalId eq 'a' and", '400 BadRequest'],
    [REQUESTS, "principalId eq 'a", '400 BadRequest'],
    [ASSIGNMENTS, "constructor eq 'x'", '400 Request_UnsupportedQuery'],
    [POLICIES, `roleDefinitionId eq '${SECURITY_ADMIN}'`, '400 BadRequest'],
  ])('%s refuses %s', async (path, filter, expected) => {
    expect(await refusal(new Caller(await simulator()).list(path, filter))).toBe(expected);
  });
});

describe('when a list is long', () => {
  it('is paged by next links on the public host, which the client follows', async () => {
    const caller = new Caller(await simulator());
    for (const [i, role] of [SECURITY_ADMIN, EXCHANGE_ADMIN, '62e90394-69f5-4237-9190-012177145e10'].entries()) {
      await caller.pim({ roleDefinitionId: role, scheduleInfo: until(T0 + (30 + i) * 60_000) });
    }
    const filter = `principalId eq '${ALICE}'`;
    const first = (await caller.graph.api(INSTANCES).filter(filter).top(2).get()) as Page;
    expect(first.value).toHaveLength(2);
    expect(first['@odata.nextLink']).toMatch(/^https:\/\/graph\.microsoft\.com\/v1\.0\/roleManagement\/.*skiptoken/);
    const roles = new Set<unknown>();
    const iterator = new PageIterator(caller.graph, first, (row: Wire) => roles.add(row['roleDefinitionId']).size > 0);
    await iterator.iterate();
    expect(roles.size).toBe(3);
    expect(await refusal(caller.list(`${INSTANCES}?$top=0`))).toBe('400 BadRequest');
    expect(await refusal(caller.list(`${INSTANCES}?$skiptoken=rubbish`))).toBe('400 BadRequest');
    expect(await refusal(caller.list(`${INSTANCES}?$orderby=id`))).toBe('400 BadRequest');
  });
});

describe('when properties are chosen', () => {
  it('selects, expands, and refuses what does not exist', async () => {
    const caller = new Caller(await simulator());
    await caller.pim();
    const [row] = await caller.list(`${INSTANCES}?$select=id,endDateTime&$expand=principal,roleDefinition`);
    expect(Object.keys(row ?? {}).sort()).toEqual(['endDateTime', 'id', 'principal', 'roleDefinition']);
    expect(row).toMatchObject({
      principal: { id: ALICE, userPrincipalName: 'alice@example.test' },
      roleDefinition: { templateId: SECURITY_ADMIN, displayName: 'Security Administrator' },
    });
    const [request] = await caller.list(`${REQUESTS}?$expand=targetSchedule`);
    expect(request?.['targetSchedule']).toMatchObject({ id: request?.['targetScheduleId'] });
    expect(await refusal(caller.list(`${INSTANCES}?$select=colour`))).toBe('400 BadRequest');
    expect(await refusal(caller.list(`${INSTANCES}?$expand=manager`))).toBe('400 BadRequest');
    expect(await refusal(caller.list(`${ASSIGNMENTS}?$expand=principal,roleDefinition`))).toBe('400 BadRequest');
  });

  it('gets a role by template id, and eligibilities', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    expect(await caller.get(`${ROLES}/${SECURITY_ADMIN}`)).toMatchObject({ isBuiltIn: true });
    await control(sim, '/eligibilities', { principal_id: ALICE, role_definition_id: SECURITY_ADMIN });
    const [row] = await caller.list('/roleManagement/directory/roleEligibilityScheduleInstances');
    expect(row).toMatchObject({ principalId: ALICE, endDateTime: null });
  });

  it('gives the rules of a role policy where they are expanded', async () => {
    const sim = await simulator();
    const role = { role_definition_id: SECURITY_ADMIN, max_active_duration: 'PT4H', require_ticket: true };
    await control(sim, '/policies', { ...role, tenant: TENANT });
    const filter = `scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '${SECURITY_ADMIN}'`;
    const [row] = await new Caller(sim).list(`${POLICIES}?$filter=${filter}&$expand=policy($expand=rules)`);
    expect((row?.['policy'] as { rules: Wire[] }).rules).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 'Expiration_Admin_Assignment', maximumDuration: 'PT4H' }),
        expect.objectContaining({ id: 'Enablement_Admin_Assignment', enabledRules: ['Justification', 'Ticketing'] }),
      ]),
    );
  });
});
