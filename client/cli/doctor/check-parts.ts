import { CLOCK_SKEW_MS } from '../../../domain/statement.js';
import { EXIT } from '../../api/exit-status.js';
import type { Health, TemporalHealth } from '../../api/health-shape.js';
import { spanText } from '../times.js';
import { fail, ok, unasked, warn, type Finding } from './finding.js';

/** Reseal relies on what came with this version of Temporal's server. */
const MIN_SERVER = [1, 32] as const;
/** Acts are signed for ten minutes: a clock this far behind makes them stale before they arrive. */
const MAX_BEHIND_MS = 9 * 60 * 1000;
const NOTABLE_SKEW_MS = 10 * 1000;

/** Temporal: whether it answers, and its version. `seenBy` says who asked it. */
export function temporalFinding(name: string, temporal: TemporalHealth, seenBy: string): Finding {
  const { problem, server_version: version } = temporal;
  if (problem !== null) {
    return fail(
      name,
      `no answer (${seenBy}): ${problem}`,
      'look at the Temporal server, and at who may call it',
      EXIT.unreachable,
    );
  }
  if (version === null) return warn(name, `answers, and does not tell its version (${seenBy})`, wantsServer);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > MIN_SERVER[0] || (major === MIN_SERVER[0] && minor >= MIN_SERVER[1]);
  if (enough) return ok(name, `server ${version} (${seenBy})`);
  return fail(name, `server ${version} is too old (${seenBy})`, wantsServer, EXIT.usage);
}

const wantsServer = `Reseal needs Temporal's server ${MIN_SERVER.join('.')} or newer: upgrade it`;

/** The namespace, and the search attributes that ceremonies are started with. */
export function namespaceFinding(name: string, temporal: TemporalHealth): Finding {
  const { namespace, namespace_found: found, missing_search_attributes: missing, problem } = temporal;
  if (problem !== null) return unasked(name, 'Temporal does not answer');
  if (found === false) {
    const todo = `temporal operator namespace create --namespace ${namespace}, or set temporal.namespace`;
    return fail(name, `there is no namespace ${namespace}`, todo, EXIT.usage);
  }
  if (missing === null) {
    const todo = 'these credentials may not list search attributes: have somebody check who may';
    return warn(name, `${namespace}; whether its search attributes are registered nobody told`, todo);
  }
  if (missing.length === 0) return ok(name, `${namespace}, with all search attributes`);
  const todo = `register them: temporal operator search-attribute create --namespace ${namespace} --name NAME --type TYPE`;
  return fail(name, `${namespace} lacks search attributes: ${missing.join(', ')}`, todo, EXIT.usage);
}

export function registerFinding(name: string, register: Health['register']): Finding {
  if (register === 'ok') return ok(name, 'answers');
  if (register === 'none') {
    return warn(
      name,
      'none is configured here',
      'without it there are no ledgers, bundles and lists of the past: set RESEAL_DATABASE_URL',
    );
  }
  const todo = 'nothing new is admitted without it; what runs is still ended. Look at the database';
  return fail(name, 'no answer', todo, EXIT.unreachable);
}

export function workersFinding(name: string, { idle_roles: idle, problem }: TemporalHealth): Finding {
  if (problem !== null) return unasked(name, 'Temporal does not answer');
  if (idle === null) return unasked(name, 'these credentials may not ask about task queues');
  if (idle.length === 0) return ok(name, 'all roles ask for work');
  const todo = 'start a worker for each: nothing is granted, and nothing removed, while its role is away';
  return fail(name, `nobody plays ${idle.join(', ')}`, todo, EXIT.unreachable);
}

/** `skewMs`: how far the clock here is ahead of the gateway's. */
export function clockFinding(name: string, skewMs: number): Finding {
  const span = spanText(Math.round(Math.abs(skewMs) / 1000));
  const text = `${span} ${skewMs > 0 ? 'ahead of' : 'behind'} the gateway's`;
  const todo = 'set this machine by NTP';
  if (skewMs > CLOCK_SKEW_MS || skewMs < -MAX_BEHIND_MS) {
    return fail(name, `${text}: what is signed here is refused`, todo, EXIT.usage);
  }
  return Math.abs(skewMs) > NOTABLE_SKEW_MS ? warn(name, text, todo) : ok(name, "agrees with the gateway's");
}
