import type { Database } from '../../activities/register/database.js';
import type { RegisterReader } from '../api/register-reader.js';
import type { IncidentRegister } from '../api/incident-register.js';
import { DirectApi } from '../api/direct-api.js';
import { ResealError } from '../api/reseal-error.js';
import { connectTemporal, type TemporalTarget } from '../api/temporal-client.js';
import { readPolicyFile, readRosterFile } from '../config/policy-file.js';
import type { Settings } from '../config/settings.js';
import { readTrustRoots } from '../config/trust-roots.js';

/**
 * Temporal itself, for the day the gateway is down. Policy and roster are read from files; the register only where a
 * PostgreSQL URL is configured.
 */
export async function connectDirect(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<DirectApi> {
  const { payloadKeyringPath, policyPath, rosterPath, temporalUiUrl } = settings;
  const { trustPath } = settings;
  if (payloadKeyringPath === undefined) {
    throw new ResealError('config_invalid', 'without the payload key nothing can be said to a ceremony', {
      hint: 'set RESEAL_PAYLOAD_KEYRING to the keyring file',
    });
  }
  const client = await connectTemporal({ ...temporalTarget(settings, env), payloadKeyringPath });
  const missing = (code: 'needs_policy' | 'needs_roster', what: string, variable: string): ResealError =>
    new ResealError(code, `with --direct the ${what} comes from a file`, { hint: `set ${variable}` });
  const register = settings.databaseUrl === undefined ? undefined : registerOf(settings.databaseUrl);
  return new DirectApi({
    client,
    uiUrl: temporalUiUrl ?? null,
    register: register?.reader ?? null,
    ...(register === undefined ? {} : { closeAlso: register.close, incidentRegister: register.incidents }),
    ...(trustPath === undefined ? {} : { keys: async () => (await readTrustRoots(trustPath)).keyOf }),
    policy: () =>
      policyPath === undefined
        ? Promise.reject(missing('needs_policy', 'policy', 'RESEAL_POLICY'))
        : readPolicyFile(policyPath),
    roster: () =>
      rosterPath === undefined
        ? Promise.reject(missing('needs_roster', 'roster', 'RESEAL_ROSTER'))
        : readRosterFile(rosterPath),
  });
}

/** Which Temporal the settings mean. */
export function temporalTarget(
  { temporalAddress, temporalNamespace, temporalProfile, local }: Settings,
  env: TemporalTarget['env'],
): TemporalTarget {
  return {
    ...(temporalAddress === undefined ? {} : { address: temporalAddress }),
    ...(temporalNamespace === undefined ? {} : { namespace: temporalNamespace }),
    ...(temporalProfile === undefined ? {} : { profile: temporalProfile }),
    local,
    env,
  };
}

/** The register, opened when it is first asked: a ceremony is killed without it. */
function registerOf(url: string): {
  reader: RegisterReader;
  incidents: IncidentRegister;
  close: () => Promise<void>;
} {
  let opened: Promise<Database> | undefined;
  const database = (): Promise<Database> =>
    (opened ??= import('../../activities/register/database-postgres.js').then(({ openPostgres }) =>
      openPostgres(url, { max: 2 }),
    ));
  const reader = async (): Promise<RegisterReader> => {
    const { eventReader } = await import('../../activities/register/events.js');
    return eventReader(await database());
  };
  const incidents = async (): Promise<IncidentRegister> => {
    const { IncidentReader } = await import('../../activities/register/incidents/incident-reader.js');
    return new IncidentReader(await database());
  };
  return {
    incidents: {
      get: async (id) => (await incidents()).get(id),
      list: async (filter) => (await incidents()).list(filter),
      stats: async () => (await incidents()).stats(),
      bundle: async (id) => (await incidents()).bundle(id),
    },
    reader: {
      getEvent: async (eventId) => (await reader()).getEvent(eventId),
      listEvents: async (filter) => (await reader()).listEvents(filter),
      openFor: async (wanted) => (await reader()).openFor(wanted),
      ledgerOf: async (eventId) => (await reader()).ledgerOf(eventId),
      noticesOf: async (eventId) => (await reader()).noticesOf(eventId),
      bundleOf: async (eventId) => (await reader()).bundleOf(eventId),
      refusalOf: async (eventId) => (await reader()).refusalOf(eventId),
      usage: async (wanted) => (await reader()).usage(wanted),
      auditLines: async (filter) => (await reader()).auditLines(filter),
      importedEvents: async (filter) => (await reader()).importedEvents(filter),
      importedEvent: async (eventId) => (await reader()).importedEvent(eventId),
    },
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}
