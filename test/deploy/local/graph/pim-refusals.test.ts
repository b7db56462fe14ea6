import { describe, expect, it } from 'vitest';
import { ALICE, APP, Caller, control, MINUTE, refusal, REQUESTS, SECURITY_ADMIN, simulator } from './harness.js';
import { T0, TENANT, truth, until, type Wire } from './harness.js';
import { GraphError } from '@microsoft/microsoft-graph-client';

const UNKNOWN = '00000000-0000-4000-8000-0000000000ff';
const duration = (d: string): Wire => ({ scheduleInfo: { expiration: { type: 'afterDuration', duration: d } } });

describe('when PIM refuses a malformed request', () => {
  it.each<[string, Wire, string]>([
    ['an unknown action', { action: 'adminDestroy' }, '400 InvalidRoleAssignmentRequest'],
    ['a member that does not exist', { colour: 'red' }, '400 InvalidRoleAssignmentRequest'],
    ['a justification over 500 characters', { justification: 'x'.repeat(501) }, '400 InvalidRoleAssignmentRequest'],
    ['a long ticket', { ticketInfo: { ticketNumber: 'x'.repeat(65) } }, '400 InvalidRoleAssignmentRequest'],
    ['a long ticket system', { ticketInfo: { ticketSystem: 'x'.repeat(65) } }, '400 InvalidRoleAssignmentRequest'],
    ['no schedule', { scheduleInfo: undefined }, '400 InvalidRoleAssignmentRequestSchedule'],
    ['the duration P1H', duration('P1H'), '400 InvalidRoleAssignmentRequestSchedule'],
    ['an end before the start', { scheduleInfo: until(T0 - MINUTE) }, '400 InvalidRoleAssignmentRequestSchedule'],
    [
      'a duration beside an end',
      {
        scheduleInfo: { expiration: { type: 'afterDuration', duration: 'PT1H', endDateTime: '2026-11-21T02:00:00Z' } },
      },
      '400 InvalidRoleAssignmentRequestSchedule',
    ],
    ['less than five minutes', { scheduleInfo: until(T0 + 4 * MINUTE) }, '400 ActiveDurationTooShort'],
    ['a scope that is no path', { directoryScopeId: 'everything' }, '400 InvalidScope'],
    ['an app scope', { appScopeId: '/' }, '400 InvalidScope'],
    ['an unknown role', { roleDefinitionId: UNKNOWN }, '404 RoleNotFound'],
    ['an unknown principal', { principalId: UNKNOWN }, '404 SubjectNotFound'],
  ])('names the cause: %s', async (_name, overrides, expected) => {
    const sim = await simulator();
    const caller = new Caller(sim);
    expect(await refusal(caller.pim(overrides))).toBe(expected);
    expect(await refusal(caller.pim({ ...overrides, isValidationOnly: true }))).toBe(expected);
    expect((await truth(sim)).assignments).toHaveLength(0);
  });
});

describe('when a rule of the role policy fails', () => {
  it.each<[string, Wire, Wire, string]>([
    ['ExpirationRule', {}, duration('PT9H'), '["ExpirationRule"]'],
    ['ExpirationRule', {}, { scheduleInfo: { expiration: { type: 'noExpiration' } } }, '["ExpirationRule"]'],
    ['ExpirationRule', { max_active_duration: 'PT30M' }, {}, '["ExpirationRule"]'],
    ['JustificationRule', { require_justification: true }, { justification: ' ' }, '["JustificationRule"]'],
    ['TicketingRule', { require_ticket: true }, { ticketInfo: null }, '["TicketingRule"]'],
    ['MfaRule', { require_mfa: true }, {}, '["MfaRule"]'],
    [
      'all of them',
      { require_ticket: true },
      { ...duration('PT9H'), ticketInfo: null, justification: null },
      '["ExpirationRule","JustificationRule","TicketingRule"]',
    ],
  ])('names %s', async (_rule, policy, overrides, rules) => {
    const sim = await simulator();
    await control(sim, '/policies', { ...policy, role_definition_id: SECURITY_ADMIN });
    const error = await new Caller(sim).pim(overrides).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GraphError);
    expect(error).toMatchObject({ statusCode: 400, code: 'RoleAssignmentRequestPolicyValidationFailed' });
    expect((error as GraphError).message).toBe(`The following policy rules failed: ${rules}`);
  });

  it('names EligibilityRule for an activation without eligibility, and the authentication context after it', async () => {
    const sim = await simulator();
    const alice = new Caller(sim, `sim.${TENANT}.user:${ALICE}:mfa.`);
    const activate = (): Promise<Wire> => alice.pim({ action: 'selfActivate' });
    expect(await refusal(activate())).toBe('400 RoleAssignmentRequestPolicyValidationFailed');
    await control(sim, '/eligibilities', { principal_id: ALICE, role_definition_id: SECURITY_ADMIN });
    await control(sim, '/policies', { authentication_context: 'c1' });
    expect(await refusal(activate())).toBe('400 RoleAssignmentRequestAcrsValidationFailed');
    const steppedUp = new Caller(sim, `sim.${TENANT}.user:${ALICE}:mfa:acrs.`);
    expect(await steppedUp.pim({ action: 'selfActivate' })).toMatchObject({ status: 'Provisioned' });
  });
});

describe('when the tenant or the tuple does not allow it', () => {
  it('answers RoleAssignmentExists for a second assignment, active or scheduled, and its dry run', async () => {
    const caller = new Caller(await simulator());
    await caller.pim();
    expect(await refusal(caller.pim())).toBe('400 RoleAssignmentExists');
    expect(await refusal(caller.pim({ isValidationOnly: true }))).toBe('400 RoleAssignmentExists');
    const other = { directoryScopeId: `/administrativeUnits/${UNKNOWN}` };
    await caller.pim({ ...other, scheduleInfo: until(T0 + 60 * MINUTE, T0 + 20 * MINUTE) });
    expect(await refusal(caller.pim(other))).toBe('400 RoleAssignmentExists');
  });

  it('answers RoleAssignmentExists where somebody holds the role outside PIM', async () => {
    const sim = await simulator();
    await control(sim, '/assignments', { principal_id: ALICE, role_definition_id: SECURITY_ADMIN, via: 'direct' });
    expect(await refusal(new Caller(sim).pim())).toBe('400 RoleAssignmentExists');
  });

  it('answers AadPremiumLicenseRequired and ResourceIsLocked', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/policies', { resource_locked: true });
    expect(await refusal(caller.pim())).toBe('400 ResourceIsLocked');
    await control(sim, '/policies', { premium_license: false });
    expect(await refusal(caller.pim())).toBe('400 AadPremiumLicenseRequired');
  });

  it('answers 403 for a self action by an app, or by somebody else', async () => {
    const sim = await simulator();
    expect(await refusal(new Caller(sim).pim({ action: 'selfActivate' }))).toBe('403 UnauthorizedAccessException');
    const stranger = new Caller(sim, `sim.${TENANT}.user:${UNKNOWN}.`);
    expect(await refusal(stranger.pim({ action: 'selfActivate' }))).toBe('403 UnauthorizedAccessException');
  });

  it('forgets requests after 45 days, and says RoleAssignmentRequestNotFound', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const { id } = await caller.pim();
    caller.now = T0 + 44 * 24 * 60 * MINUTE;
    expect(await caller.get(`${REQUESTS}/${String(id)}`)).toMatchObject({ id });
    caller.now = T0 + 46 * 24 * 60 * MINUTE;
    expect(await refusal(caller.get(`${REQUESTS}/${String(id)}`))).toBe('404 RoleAssignmentRequestNotFound');
    expect(await caller.list(REQUESTS)).toHaveLength(0);
    expect(await refusal(caller.get(`${REQUESTS}/${APP}`))).toBe('404 RoleAssignmentRequestNotFound');
  });
});
