import { existsSync, readFileSync } from 'node:fs';
import { Ajv, type AnySchema } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  ALICE,
  ASSIGNMENTS,
  AUDITS,
  Caller,
  control,
  INSTANCES,
  MINUTE,
  refusal,
  REQUESTS,
  SCHEDULES,
} from './harness.js';
import { SECURITY_ADMIN, simulator, T0, TENANT, until, type Wire } from './harness.js';

const SPEC = new URL('../../../../../shared/graph/openapi-subset.yaml', import.meta.url);
const present = existsSync(SPEC);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** OpenAPI 3.0 to JSON Schema: `nullable` becomes a null type, and references point into the document's definitions. */
function convert(node: Json): Json {
  if (Array.isArray(node)) return node.map(convert);
  if (typeof node !== 'object' || node === null) return node;
  const { nullable, ...rest } = node;
  const out: { [key: string]: Json } = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith('x-') || key === 'example') continue;
    out[key] = key === '$ref' && typeof value === 'string' ? `openapi${value}` : convert(value);
  }
  if (nullable !== true) return out;
  const { type, enum: values } = out;
  return typeof type === 'string' && values === undefined
    ? { ...out, type: [type, 'null'] }
    : { anyOf: [out, { type: 'null' }] };
}

interface Spec {
  paths: Record<string, Record<string, { responses: Record<string, Json> }>>;
  components: Json;
}

/** Validates one answer; returns what is wrong with it. */
function validator(): (method: string, path: string, status: number, body: unknown) => string | null {
  const spec = parse(readFileSync(SPEC, 'utf8')) as Spec;
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema({ $id: 'openapi', components: convert(spec.components) });
  const templates = Object.keys(spec.paths).map((template) => ({
    template,
    pattern: new RegExp(`^/v1\\.0${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
  }));
  return (method, path, status, body) => {
    const template = templates.find(({ pattern }) => pattern.test(path))?.template;
    const responses = spec.paths[template ?? '']?.[method.toLowerCase()]?.responses;
    if (responses === undefined) return `${method} ${path} is not in the document`;
    const key = [String(status), `${String(status).charAt(0)}XX`].find((k) => responses[k] !== undefined);
    if (key === undefined) return `${method} ${path}: ${status} is not in the document`;
    let response = responses[key] as { $ref?: string; content?: Record<string, { schema: Json }> };
    if (response.$ref !== undefined) {
      const name = response.$ref.split('/').at(-1) ?? '';
      response = (spec.components as { responses: Record<string, typeof response> }).responses[name] ?? {};
    }
    const schema = response.content?.['application/json']?.schema;
    if (schema === undefined) return body === undefined ? null : 'a body where there should be none';
    const check = ajv.compile(convert(schema) as AnySchema);
    return check(body) ? null : `${method} ${path} ${status}: ${ajv.errorsText(check.errors)}`;
  };
}

const suffix = present ? '' : ' (skipped: ../shared/graph/openapi-subset.yaml is not there)';

describe.skipIf(!present)(`when answers are held against the description of the API${suffix}`, () => {
  it('notices an answer that does not fit', () => {
    const check = validator();
    expect(check('GET', `/v1.0${INSTANCES}`, 200, { value: [{ id: 1 }] })).toContain('must be string');
    expect(check('GET', `/v1.0${INSTANCES}`, 400, { error: { code: 'x' } })).toContain('message');
    expect(check('GET', `/v1.0${INSTANCES}`, 200, { value: [{ endDateTime: 'soon' }] })).toContain('must match');
  });

  it('finds every answer of a whole scenario valid', async () => {
    const check = validator();
    const sim = await simulator();
    const caller = new Caller(sim);
    const wrong: string[] = [];
    const seen = new Set<string>();
    caller.onResponse = async ({ options }, response) => {
      const text = await response.text();
      const { pathname } = new URL(response.url);
      const method = options?.method ?? 'GET';
      const finding = check(method, decodeURI(pathname), response.status, text === '' ? undefined : JSON.parse(text));
      if (finding !== null) wrong.push(finding);
      seen.add(`${method} ${response.status}`);
    };
    await scenario(sim, caller);
    expect(wrong).toEqual([]);
    expect([...seen].sort()).toEqual(
      expect.arrayContaining([
        'DELETE 204',
        'GET 200',
        'GET 404',
        'PATCH 204',
        'POST 200',
        'POST 201',
        'POST 204',
        'POST 400',
        'POST 403',
        'POST 429',
        'POST 503',
      ]),
    );
  });
});

async function scenario(sim: Awaited<ReturnType<typeof simulator>>, caller: Caller): Promise<void> {
  const tuple = { principal_id: ALICE, role_definition_id: SECURITY_ADMIN };
  const policyFilter = "scopeId eq '/' and scopeType eq 'DirectoryRole'";
  await control(sim, '/eligibilities', tuple);
  await caller.list('/roleManagement/directory/roleDefinitions');
  await caller.get(`/roleManagement/directory/roleDefinitions/${SECURITY_ADMIN}`);
  await caller.list(`/policies/roleManagementPolicyAssignments?$filter=${policyFilter}&$expand=policy($expand=rules)`);
  const [eligibility] = await caller.list('/roleManagement/directory/roleEligibilityScheduleInstances');
  await caller.get(`/roleManagement/directory/roleEligibilityScheduleInstances/${String(eligibility?.['id'])}`);
  await caller.pim({ isValidationOnly: true });
  for (const status of [429, 503]) {
    await control(sim, '/faults', { method: 'POST', effect: 'status', status, retry_after: 1 });
    await refusal(caller.pim());
  }
  const request = await caller.pim();
  await refusal(caller.pim());
  await refusal(caller.remove());
  await refusal(caller.pim({ action: 'selfActivate' }));
  await caller.get(`${REQUESTS}/${String(request['id'])}?$expand=targetSchedule,principal,roleDefinition`);
  await refusal(caller.get(`${REQUESTS}/${ALICE}`));
  const later: Wire = {
    directoryScopeId: `/administrativeUnits/${ALICE}`,
    scheduleInfo: until(T0 + 60 * MINUTE, T0 + MINUTE),
  };
  const scheduled = await caller.pim(later);
  await caller.list(`${SCHEDULES}?$expand=roleDefinition`);
  await caller.get(`${SCHEDULES}/${String(request['id'])}`);
  await caller.graph.api(`${REQUESTS}/${String(scheduled['id'])}/cancel`).post({});
  await caller.list(REQUESTS);
  const [instance] = await caller.list(`${INSTANCES}?$expand=principal`);
  await caller.get(`${INSTANCES}/${String(instance?.['id'])}`);
  await caller.list(`${ASSIGNMENTS}?$expand=principal`);
  const direct = { principalId: ALICE, roleDefinitionId: SECURITY_ADMIN, directoryScopeId: `/${ALICE}` };
  const made = (await caller.graph.api(ASSIGNMENTS).post(direct)) as { id: string };
  await caller.get(`${ASSIGNMENTS}/${made.id}`);
  await caller.list(INSTANCES);
  await caller.list(SCHEDULES);
  await caller.graph.api(`${ASSIGNMENTS}/${made.id}`).delete();
  await caller.get(`/users/${ALICE}?$select=id,accountEnabled,signInSessionsValidFromDateTime,createdDateTime`);
  await caller.graph.api(`/users/${ALICE}`).patch({ accountEnabled: false });
  await caller.graph.api(`/users/${ALICE}/revokeSignInSessions`).post({});
  await control(sim, '/applications', { id: ALICE, certificates: 1, tenant: TENANT });
  const secret = (await caller.graph.api(`/applications/${ALICE}/addPassword`).post({})) as Wire;
  await caller.get(`/applications/${ALICE}`);
  await caller.graph.api(`/applications/${ALICE}/removePassword`).post({ keyId: secret['keyId'] });
  caller.now = T0 + 10 * MINUTE;
  await caller.remove();
  caller.now = T0 + 20 * MINUTE;
  const [row] = await caller.list(`${AUDITS}?$top=5`);
  await caller.get(`${AUDITS}/${String(row?.['id'])}`);
}
