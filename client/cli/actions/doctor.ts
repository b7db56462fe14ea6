import { EXIT } from '../../api/exit-status.js';
import type { Health } from '../../api/health-shape.js';
import type { ResealApi } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import { readPolicyFile } from '../../config/policy-file.js';
import type { Settings } from '../../config/settings.js';
import type { PolicyInForce } from '../../../domain/policy-in-force.js';
import {
  clockFinding,
  namespaceFinding,
  registerFinding,
  temporalFinding,
  workersFinding,
} from '../doctor/check-parts.js';
import { keyFinding, whoFinding, type Known } from '../doctor/check-person.js';
import { fail, failed, ok, unasked, warn, type Finding } from '../doctor/finding.js';
import { digestWord } from '../ceremony-text.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';

/** `reseal doctor`: everything that has to be right before an emergency, in the order in which it is mended. */
export async function doctor(session: Session): Promise<number> {
  const findings = await session.during('asking every part', examine(session));
  const broken = findings.find(({ verdict }) => verdict === 'fail');
  const checks = findings.map(({ exit: _exit, ...told }) => told);
  const text = await structured(session.output, { ok: broken === undefined, checks });
  session.data(text ?? findings.map((finding) => findingText(session, finding)).join('\n'));
  if (broken !== undefined) session.warn(`${broken.name} is what to mend first`);
  return broken?.exit ?? EXIT.done;
}

function findingText(session: Session, { name, verdict, detail, todo }: Finding): string {
  const colour = ({ ok: 'green', warn: 'yellow', fail: 'red', '-': 'dim' } as const)[verdict];
  const line = `${session.style(colour, verdict.padEnd(4))}  ${name.padEnd(13)}  ${oneLine(detail)}`;
  return todo === null ? line : `${line}\n${' '.repeat(21)}${session.style('dim', `to do: ${oneLine(todo)}`)}`;
}

async function examine(session: Session): Promise<Finding[]> {
  const settings = await session.settings().catch(rejection);
  if (settings instanceof ResealError) return [failed('configuration', settings)];
  const api = await session.api().catch(rejection);
  const asked = api instanceof ResealError ? unreachable(api) : await askAll(session, api, settings);
  const { known, health, skewMs, policy } = asked;
  const holds = async (fingerprint: string): Promise<boolean | null> => {
    if (api instanceof ResealError || known === undefined || known instanceof ResealError) return null;
    const held = await api.holdsKey(known.id, fingerprint).catch(rejection);
    return held instanceof ResealError ? null : held;
  };
  const direct = session.options.direct === true;
  const seenBy = direct ? 'asked from here' : 'asked by the gateway';
  const temporal = health instanceof ResealError ? undefined : health.temporal;
  const behind = (name: string): Finding => unasked(name, `${direct ? 'Temporal' : 'the gateway'} does not answer`);
  return [
    configurationFinding(settings),
    whoFinding('who I am', settings, known),
    await keyFinding('key', settings, session.io.env['SSH_AUTH_SOCK'], holds),
    gatewayFinding(settings, health, direct),
    temporal === undefined ? behind('Temporal') : temporalFinding('Temporal', temporal, seenBy),
    temporal === undefined ? behind('namespace') : namespaceFinding('namespace', temporal),
    health instanceof ResealError ? behind('register') : registerFinding('register', health.register),
    skewMs === undefined || direct
      ? unasked('clock', 'there is no gateway to compare it with')
      : clockFinding('clock', skewMs),
    await policyFinding(settings, policy),
    temporal === undefined ? behind('workers') : workersFinding('workers', temporal),
    ...(direct ? [] : [await directFinding(session, settings)]),
  ];
}

interface Asked {
  known: Known;
  health: Health | ResealError;
  /** How far the clock here is ahead. */
  skewMs: number | undefined;
  policy: PolicyInForce | ResealError;
}

const unreachable = (error: ResealError): Asked => ({ known: error, health: error, skewMs: undefined, policy: error });

async function askAll(session: Session, api: ResealApi, { as }: Settings): Promise<Asked> {
  const before = session.now();
  const asking = api.health().then((health) => ({ health, after: session.now() }));
  const [asked, known, policy] = await Promise.all([
    asking.catch(rejection),
    as === undefined ? undefined : api.person(as).catch(rejection),
    api.policy().catch(rejection),
  ]);
  if (asked instanceof ResealError) return { known, health: asked, skewMs: undefined, policy };
  const { health, after } = asked;
  // It was that time there at some moment in between.
  const there = Date.parse(health.now);
  const skewMs = there < before ? before - there : there > after ? after - there : 0;
  return { known, health, skewMs, policy };
}

/** One of our own failures as a value; anything else is thrown on. */
function rejection(error: unknown): ResealError {
  if (error instanceof ResealError) return error;
  throw error;
}

function configurationFinding({ filePath, dev, local }: Settings): Finding {
  const stack = dev === undefined ? '' : local ? 'the local stack' : 'a local stack that is not used';
  const files = [filePath ?? '', stack].filter((part) => part !== '').join(', ');
  return ok('configuration', files === '' ? 'defaults; see `reseal config show`' : files);
}

function gatewayFinding({ gatewayUrl }: Settings, health: Asked['health'], direct: boolean): Finding {
  if (direct) return unasked('gateway', 'left out (--direct)');
  if (!(health instanceof ResealError)) return ok('gateway', gatewayUrl);
  if (health.code !== 'not_found') return failed('gateway', health);
  const todo = 'is it the gateway of an older version? Upgrade it';
  return fail('gateway', `${gatewayUrl} does not tell how it is`, todo, EXIT.usage);
}

/** The policy in force loads; a file that is configured loads too, and is the same. */
async function policyFinding({ policyPath }: Settings, inForce: Asked['policy']): Promise<Finding> {
  const name = 'policy';
  const file = policyPath === undefined ? undefined : await readPolicyFile(policyPath).catch(rejection);
  if (file instanceof ResealError) return failed(name, file);
  if (inForce instanceof ResealError) {
    if (file !== undefined) return ok(name, `${policyPath} loads; what is in force could not be asked`);
    return inForce.exit === EXIT.unreachable ? unasked(name, 'nobody could be asked') : failed(name, inForce);
  }
  const count = Object.keys(inForce.policy.profiles).length;
  const text = `${inForce.policy.name} ${digestWord(inForce.digest)}, ${count} profile${count === 1 ? '' : 's'}`;
  if (file === undefined || file.digest === inForce.digest) return ok(name, text);
  const todo = 'requests are bound to the one in force: put the right file in place, and restart what reads it';
  return warn(name, `${text} is in force, and ${policyPath} is another: ${digestWord(file.digest)}`, todo);
}

/** Whether `--direct` would work on the day the gateway is down. */
async function directFinding(session: Session, settings: Settings): Promise<Finding> {
  const name = '--direct';
  if (settings.payloadKeyringPath === undefined) {
    return unasked(name, 'not set up: it needs the payload keyring (RESEAL_PAYLOAD_KEYRING)');
  }
  const [{ connectToTemporal }, { temporalHealth }, { temporalTarget }] = await Promise.all([
    import('../../api/temporal-client.js'),
    import('../../api/health.js'),
    import('../connect-direct.js'),
  ]);
  const place = await connectToTemporal(temporalTarget(settings, session.io.env)).catch(rejection);
  if (place instanceof ResealError) {
    return warn(name, `${place.message}: on the day the gateway is down nothing could be said`, place.hint ?? '');
  }
  try {
    const { problem, namespace_found: found } = await temporalHealth(place.connection, place.namespace);
    if (problem === null && found !== false) return ok(name, `Temporal at ${place.address} answers from here too`);
    const detail = problem ?? `there is no namespace ${place.namespace} at ${place.address}`;
    return warn(name, detail, 'see `reseal config show`');
  } finally {
    await place.connection.close();
  }
}
