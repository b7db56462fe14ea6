import { directoryRegistry } from '../../../activities/contracts/directory-registry.js';
import { ENDS, PHASES } from '../../../domain/ceremony-state.js';
import { eventIdSchema } from '../../../domain/identifiers.js';
import { ARTIFACT_KINDS, INCIDENT_CLASSES, SEVERITIES } from '../../../domain/incidents/classes.js';
import { incidentIdSchema } from '../../../domain/incidents/incident-id.js';
import { INCIDENT_STATES } from '../../../domain/incidents/incident.js';
import { REASON_CODES } from '../../../domain/request.js';
import { SIGNED_KINDS, type SignedKind } from '../../../domain/signed-documents.js';
import { loadSettings, placeOf } from '../../config/settings.js';
import { readPolicyFile } from '../../config/policy-file.js';
import type { Io } from '../io.js';
import { oneLine } from '../printable.js';
import type { Candidate, Completion } from './complete.js';

/** A shell waits for this: what the gateway does not answer at once is left out. */
const PATIENCE_MS = 700;

/** Whose names the shell itself knows. */
export type Paths = 'files' | 'dirs';

/** Values of one option or argument: candidates, or that it is a path. Never throws; nothing is told of a gateway that is down. */
export async function valuesFor(
  ask: NonNullable<Completion['ask']>,
  given: Completion['given'],
  io: Io,
): Promise<Candidate[] | Paths> {
  if (/^(file|path)$/.test(ask.placeholder)) return 'files';
  if (ask.placeholder === 'dir') return 'dirs';
  const fixed = FIXED[ask.placeholder] ?? FIXED[ask.name];
  if (fixed !== undefined) return fixed.map((value) => ({ value, about: '' }));
  const dynamic = DYNAMIC[ask.name] ?? DYNAMIC[ask.placeholder];
  if (dynamic === undefined) return [];
  const found = await dynamic({ given, io, command: ask.command }).catch(() => []);
  // What others named lands on a command line: nothing that a shell would obey.
  return found
    .filter(({ value }) => /^[A-Za-z0-9][A-Za-z0-9@._+/-]*$/.test(value))
    .map(({ value, about }) => ({ value, about: oneLine(about) }));
}

const FIXED: Readonly<Record<string, readonly string[]>> = {
  '--output': ['table', 'json', 'yaml'],
  '--reason-code': REASON_CODES,
  '--wait': ['active', 'ended'],
  '--state': [...PHASES, ...ENDS],
  '--status': ['active', 'closed', 'expired'],
  '--duration': ['15m', '30m', '1h', '2h', '4h'],
  '--since': ['1h', '24h', '7d'],
  shell: ['bash', 'zsh', 'fish'],
  'incident-state': INCIDENT_STATES,
  'incident-class': INCIDENT_CLASSES,
  'artifact-kind': ARTIFACT_KINDS,
  severity: SEVERITIES,
};

interface Asking {
  given: Completion['given'];
  io: Io;
  command: string;
}

const DYNAMIC: Readonly<Record<string, (asking: Asking) => Promise<Candidate[]>>> = {
  '--profile': profiles,
  profile: profiles,
  upn: people,
  event: events,
  incident: incidents,
  name: documents,
  digests: documents,
};

async function settingsOf({ given, io }: Asking): Promise<Awaited<ReturnType<typeof loadSettings>>> {
  const gateway = given.get('--gateway');
  return loadSettings({ flags: gateway === undefined ? {} : { gateway }, env: io.env, cwd: io.cwd });
}

/** Those of the policy in force, else of the policy file that is configured. */
async function profiles(asking: Asking): Promise<Candidate[]> {
  const { gatewayUrl, policyPath } = await settingsOf(asking);
  const told = (await ask(asking, `${gatewayUrl}/v1/policy`)) as { policy?: Policy } | undefined;
  const policy: Policy | undefined =
    told?.policy ?? (policyPath === undefined ? undefined : (await readPolicyFile(policyPath)).policy);
  return Object.entries(policy?.profiles ?? {}).map(([value, { role, group, access_policy }]) => ({
    value,
    about: String((role ?? group ?? access_policy)?.name ?? ''),
  }));
}
interface Named {
  name?: string;
}
interface Policy {
  profiles?: Record<string, { role?: Named; group?: Named; access_policy?: Named }>;
}

async function people(asking: Asking): Promise<Candidate[]> {
  const { identities } = await settingsOf(asking);
  return identities.map(({ upn }) => ({ value: upn, about: '' }));
}

/** Those at which the command can be aimed: what waits for approval, what is open, or all that is known. */
async function events(asking: Asking): Promise<Candidate[]> {
  const { command } = asking;
  const which = /^(approve|deny)$/.test(command)
    ? 'state=awaiting_approval'
    : /(^withdraw|watch|close|kill|advance)$/.test(command)
      ? 'open=true'
      : '';
  const { gatewayUrl } = await settingsOf(asking);
  const told = await ask(asking, `${gatewayUrl}/v1/events?${which}&limit=50`);
  const { events: found = [] } = (told ?? {}) as { events?: Record<string, unknown>[] };
  return found
    .filter(({ event_id }) => eventIdSchema.safeParse(event_id).success)
    .map(({ event_id, state, profile, principal }) => ({
      value: String(event_id),
      about: `${String(state)}, ${String(profile)} for ${String(principal)}`,
    }));
}

/** Those that are open for the commands that change something, else all that are known. */
async function incidents(asking: Asking): Promise<Candidate[]> {
  const { gatewayUrl } = await settingsOf(asking);
  const open = /(ack|resolve|reattest|watch)$/.test(asking.command) ? 'open=true&' : '';
  const told = await ask(asking, `${gatewayUrl}/v1/incidents?${open}limit=50`);
  const { incidents: found = [] } = (told ?? {}) as { incidents?: { view?: Record<string, unknown> }[] };
  return found
    .map(({ view = {} }) => view)
    .filter(({ id }) => incidentIdSchema.safeParse(id).success)
    .map((view) => ({
      value: String(view['id']),
      about: `${String(view['state'])}, ${String(view['class'])} on ${String(view['host'])}`,
    }));
}

/** What a registry in a directory has, for the commands about contracts. A registry elsewhere is not waited for. */
async function documents({ given, io, command }: Asking): Promise<Candidate[]> {
  if (!command.startsWith('contract ')) return [];
  const place = placeOf(io.cwd, given.get('--registry')) ?? (await settingsOf({ given, io, command })).registry;
  if (place === undefined || place.includes('://')) return [];
  const registry = directoryRegistry(place);
  const named = SIGNED_KINDS.filter((kind) => given.has(`--${kind}`));
  const kinds: readonly SignedKind[] = named.length === 0 ? ['contract'] : named;
  const found = await Promise.all(
    kinds.map(async (kind) => (await registry.list(kind)).map((value) => ({ value, about: kind }))),
  );
  return found.flat();
}

/** undefined when there is no answer in time. */
async function ask({ given }: Asking, url: string): Promise<unknown> {
  if (given.has('--direct')) return undefined;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(url, { signal, redirect: 'error' }).catch(() => undefined);
  return response?.ok === true ? await response.json().catch(() => undefined) : undefined;
}
