import { randomUUID } from 'node:crypto';
import { Hono, type Context } from 'hono';
import type { z } from 'zod';
import { controlBody, onControlError, readControl } from '../control-body.js';
import { accessChange, signInOf } from './access-change.js';
import { anyPassword } from './applications.js';
import * as schemas from './control-schemas.js';
import type { RolePolicy } from './model.js';
import { originId } from './pim-views.js';
import { truth } from './truth.js';
import type { TenantChange, World } from './world.js';

/** Who makes a change through the control API where the caller names nobody: some other administrator. */
export const OTHER_ADMIN_ID = 'ad314000-0000-4000-8000-00000000000f';

/**
 * The control API: sets faults, lag, clocks, statuses and policies, makes somebody else's changes, and tells the
 * truth. Bad input is 400 `{error: {code: 'invalid_control_input', message}}` with the field named.
 */
export function controlApp(world: World, changed: () => void): Hono {
  const app = new Hono();
  const change = (c: Context, what: TenantChange, tenant: string | undefined): Response =>
    c.json({ applied_to: world.change(what, tenant ?? null) });

  app.use(async (c, next) => {
    await next();
    if (c.req.method !== 'GET') changed();
  });
  app.onError(onControlError);
  app.notFound((c) => c.json({ error: { code: 'not_found', message: `no ${c.req.method} ${c.req.path}` } }, 404));

  app.get('/health', (c) => c.json({ ok: true }));
  app.get('/truth', (c) => c.json(truth(world, readControl(schemas.TruthQuery, c.req.query()).tenant ?? null)));

  app.get('/faults', (c) => c.json({ faults: world.faults.list() }));
  app.post('/faults', async (c) => {
    const body = await controlBody(c, schemas.FaultBody);
    const fault = world.faults.add({
      method: body.method === null || body.method === '*' ? null : body.method,
      path: body.path,
      times: body.times,
      effect: body.effect,
      status: body.status ?? 502,
      retry_after: body.retry_after,
      delay_ms: body.delay_ms ?? 0,
      after: body.after,
      code: body.code,
      tenant: body.tenant,
      action: body.action,
      validation_only: body.validation_only,
      app: body.app,
    });
    return c.json(fault, 201);
  });
  app.delete('/faults', (c) => {
    world.faults.clear(readControl(schemas.FaultsQuery, c.req.query()).tenant ?? null);
    return c.json({ faults: world.faults.list() });
  });

  app.post('/lag', async (c) => {
    const { ms, tenant } = await controlBody(c, schemas.LagBody);
    return change(c, { kind: 'lag', ms }, tenant);
  });
  app.post('/clock', async (c) => {
    const { advance_seconds, tenant } = await controlBody(c, schemas.ClockBody);
    return change(c, { kind: 'clock', advance_ms: Math.round(advance_seconds * 1000) }, tenant);
  });
  app.post('/time', async (c) => {
    const { now, tenant } = await controlBody(c, schemas.TimeBody);
    world.tenant(tenant, now);
    return c.json({ applied_to: [tenant] });
  });
  app.post('/audits', async (c) => {
    const { latency_seconds, tenant } = await controlBody(c, schemas.AuditsBody);
    return change(c, { kind: 'audit_latency', ms: Math.round(latency_seconds * 1000) }, tenant);
  });
  app.post('/statuses', async (c) => {
    const { statuses, tenant } = await controlBody(c, schemas.StatusesBody);
    const queue = tenant === undefined ? world.statuses : world.tenant(tenant).statuses;
    queue.push(...statuses);
    return c.json({ waiting: queue.length });
  });
  app.post('/policies', async (c) => {
    const { tenant, role_definition_id, premium_license, ...policy } = await controlBody(c, schemas.PoliciesBody);
    if (premium_license !== undefined) world.change({ kind: 'license', premium: premium_license }, tenant ?? null);
    return change(c, { kind: 'policy', roleId: role_definition_id, policy: defined(policy) }, tenant);
  });
  app.post('/users', async (c) => {
    const body = await controlBody(c, schemas.UserBody);
    const user = {
      id: body.id ?? randomUUID(),
      userPrincipalName: body.user_principal_name,
      displayName: body.display_name ?? body.user_principal_name,
      accountEnabled: body.account_enabled,
    };
    return c.json({ id: user.id, applied_to: world.change({ kind: 'user', user }, body.tenant ?? null) }, 201);
  });
  app.post('/groups', async (c) => {
    const { tenant, ...body } = await controlBody(c, schemas.GroupBody);
    const group = {
      id: body.id ?? randomUUID(),
      displayName: body.display_name,
      isAssignableToRole: body.assignable_to_role,
      dynamic: body.dynamic,
      onPremisesSynced: body.on_premises_synced,
    };
    return c.json({ id: group.id, applied_to: world.change({ kind: 'group', group }, tenant ?? null) }, 201);
  });
  app.post('/applications', async (c) => {
    const body = await controlBody(c, schemas.ApplicationBody);
    const application = {
      id: body.id ?? randomUUID(),
      appId: body.app_id ?? randomUUID(),
      displayName: body.display_name,
      passwords: body.passwords.map((name) => anyPassword(0, name)),
      keyIds: Array.from({ length: body.certificates }, () => randomUUID()),
    };
    const applied_to = world.change({ kind: 'application', application }, body.tenant ?? null);
    return c.json({ id: application.id, app_id: application.appId, applied_to }, 201);
  });
  app.post('/assignments', async (c) => {
    const body = await controlBody(c, schemas.AssignmentBody);
    return change(c, outsideAssignment(body), body.tenant);
  });
  app.delete('/assignments', (c) => {
    const body = readControl(schemas.AssignmentBody, { ...c.req.query(), remove: true });
    return change(c, outsideAssignment(body), body.tenant);
  });
  app.post('/eligibilities', async (c) => {
    const body = await controlBody(c, schemas.EligibilityBody);
    const tuple = tupleOf(body);
    const eligibility = { ...tuple, id: `e-${originId(tuple)}`, endsAt: body.ends_at };
    return change(c, { kind: 'eligibility', eligibility, remove: body.remove }, body.tenant);
  });
  app.post('/access-policies', async (c) => {
    const { tenant, ...body } = await controlBody(c, schemas.AccessPolicyBody);
    return change(c, { kind: 'access_policy', change: accessChange(body, OTHER_ADMIN_ID) }, tenant);
  });
  app.post('/sign-ins', async (c) => {
    const { tenant, at, ...body } = await controlBody(c, schemas.SignInBody);
    return change(c, { kind: 'sign_in', signIn: signInOf(body), at }, tenant);
  });
  app.post('/reset', async (c) => {
    world.reset((await controlBody(c, schemas.ResetBody)).tenant ?? null);
    return c.json({ ok: true });
  });
  return app;
}

function outsideAssignment(body: z.infer<typeof schemas.AssignmentBody>): TenantChange {
  const by =
    body.created_by_app !== null
      ? ({ kind: 'app', id: body.created_by_app } as const)
      : ({ kind: 'user', id: body.created_by_user ?? OTHER_ADMIN_ID } as const);
  const input = {
    tuple: tupleOf(body),
    via: body.via,
    by,
    startsAt: body.starts_at,
    endsAt: body.ends_at,
    ticketNumber: body.ticket_number,
    justification: body.justification,
    remove: body.remove,
  };
  return { kind: 'assignment', input };
}

function tupleOf(body: { principal_id: string; role_definition_id: string; directory_scope_id: string }) {
  return {
    principalId: body.principal_id,
    roleDefinitionId: body.role_definition_id,
    directoryScopeId: body.directory_scope_id,
  };
}

/** The settings that were named; an absent one leaves the policy as it is. */
function defined(policy: { [K in keyof RolePolicy]?: RolePolicy[K] | undefined }): Partial<RolePolicy> {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
}
