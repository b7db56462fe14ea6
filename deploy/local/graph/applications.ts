import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { entity, GRAPH, GraphFailure, refuse, type Answer } from './answer.js';
import { logApplicationChange } from './audit-log.js';
import type { GraphCall } from './call.js';
import { graphTime } from './clock.js';
import type { Application, PasswordCredential } from './model.js';
import { page, readQuery, selected } from './odata-query.js';
import { demand } from './permissions.js';

/** application, the part that credentials need. Secrets are never shown again: `secretText` is null but in addPassword's answer. */
function wireApplication(application: Application): Record<string, unknown> {
  return {
    id: application.id,
    appId: application.appId,
    displayName: application.displayName,
    passwordCredentials: application.passwords.map((password) => wirePassword(password, null)),
    keyCredentials: application.keyIds.map((keyId) => ({ keyId, type: 'AsymmetricX509Cert', usage: 'Verify' })),
  };
}

function wirePassword(password: PasswordCredential, secretText: string | null): Record<string, unknown> {
  return {
    customKeyIdentifier: null,
    displayName: password.displayName,
    endDateTime: graphTime(password.endsAt),
    hint: password.hint,
    keyId: password.keyId,
    secretText,
    startDateTime: graphTime(password.startsAt),
  };
}

export function getApplication(call: GraphCall, key: string): Answer {
  demand(call.caller, 'applicationRead');
  const options = readQuery(call.query, ['$select']);
  const application = call.tenant.application(key)?.seenBy(call.tenant.nextView(call.now)) ?? null;
  if (application === null) throw notFound(key);
  return entity(200, 'applications', selected(wireApplication(application), options.select));
}

export function listApplications(call: GraphCall): Answer {
  demand(call.caller, 'applicationRead');
  const options = readQuery(call.query, ['$top', '$select', '$skiptoken']);
  const view = call.tenant.nextView(call.now);
  const seen = [...call.tenant.allApplications()].map((cell) => cell.seenBy(view));
  const rows = seen.filter((application) => application !== null);
  return page('applications', call.query, options, rows, wireApplication);
}

const AddBody = z.object({
  passwordCredential: z
    .object({
      displayName: z.string().max(120).nullish(),
      endDateTime: z.iso.datetime({ offset: true }).nullish(),
      startDateTime: z.iso.datetime({ offset: true }).nullish(),
    })
    .nullish(),
});

const TWO_YEARS_MS = 730 * 24 * 3600_000;

/** POST …/addPassword: not idempotent, every call adds a secret; 200 with `secretText`, this once. */
export function addPassword(call: GraphCall, key: string): Answer {
  demand(call.caller, 'applicationWrite');
  const parsed = AddBody.safeParse(call.body ?? {});
  if (!parsed.success) throw refuse('Request_BadRequest', parsed.error.issues[0]?.message ?? 'Invalid body.');
  const application = find(call, key);
  const { displayName, endDateTime, startDateTime } = parsed.data.passwordCredential ?? {};
  const secretText = randomBytes(30).toString('base64url');
  const startsAt = timeOf(startDateTime) ?? call.now;
  const password: PasswordCredential = {
    keyId: randomUUID(),
    displayName: displayName ?? null,
    hint: secretText.slice(0, 3),
    secretSha256: sha256(secretText),
    startsAt,
    endsAt: timeOf(endDateTime) ?? startsAt + TWO_YEARS_MS,
  };
  call.tenant.putApplication(call.now, { ...application, passwords: [...application.passwords, password] });
  logApplicationChange(call.tenant, application, call.caller.actor, call.now);
  const context = `${GRAPH}/$metadata#microsoft.graph.passwordCredential`;
  return { status: 200, body: { '@odata.context': context, ...wirePassword(password, secretText) } };
}

const RemoveBody = z.object({ keyId: z.guid() });

/** POST …/removePassword: 204, or 400 where no such secret is there any more. */
export function removePassword(call: GraphCall, key: string): Answer {
  demand(call.caller, 'applicationWrite');
  const parsed = RemoveBody.safeParse(call.body ?? {});
  if (!parsed.success) throw refuse('Request_BadRequest', 'A value is required for parameter keyId.');
  const application = find(call, key);
  const keyId = parsed.data.keyId.toLowerCase();
  const passwords = application.passwords.filter((password) => password.keyId !== keyId);
  if (passwords.length === application.passwords.length)
    throw refuse('Request_BadRequest', `No password credential found with keyId '${keyId}'.`);
  call.tenant.putApplication(call.now, { ...application, passwords });
  logApplicationChange(call.tenant, application, call.caller.actor, call.now);
  return { status: 204 };
}

/** A secret that was there before anybody looked. */
export function anyPassword(at: number, displayName: string): PasswordCredential {
  const secret = randomBytes(30).toString('base64url');
  const hint = secret.slice(0, 3);
  return {
    keyId: randomUUID(),
    displayName,
    hint,
    secretSha256: sha256(secret),
    startsAt: at,
    endsAt: at + TWO_YEARS_MS,
  };
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function find(call: GraphCall, key: string): Application {
  const application = call.tenant.application(key)?.current ?? null;
  if (application === null) throw notFound(key);
  return application;
}

function notFound(key: string): GraphFailure {
  return new GraphFailure(
    404,
    'Request_ResourceNotFound',
    `Resource '${key}' does not exist or one of its queried reference-property objects are not present.`,
  );
}

const timeOf = (text: string | null | undefined): number | null =>
  text === null || text === undefined ? null : Date.parse(text);
