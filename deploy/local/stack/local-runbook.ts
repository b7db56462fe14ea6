import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { readTokenTable } from '../../../client/config/token-table.js';
import type { DirectApi } from '../../../client/api/direct-api.js';
import type { Runbook } from '../../../client/gateway/runbook.js';
import { ReportRate, type Bearer } from '../../../client/gateway/runbook-tokens.js';
import type { Roster } from '../../../domain/roster.js';
import { forensicKeyOf } from '../../../proofs/incidents/forensic-bundle.js';
import type { Layout } from './layout.js';
import { LOCAL_PEOPLE } from './local-world.js';
import { StackError } from './stack-error.js';
import type { StackOptions } from './stack.js';

/**
 * The runbook's API of a local stack, whose gateway listens on this machine alone: who shows no token acts as the first person
 * of `security`, as the runbook prints it.
 */
export async function localRunbook(
  layout: Layout,
  { people = LOCAL_PEOPLE, runbookTokens }: StackOptions,
  { api, roster, hostName }: { api: DirectApi; roster: () => Roster; hostName?: string | undefined },
): Promise<Runbook> {
  const person = people.find(({ groups }) => groups.includes('security')) ?? people[0];
  await writeFile(layout.forensicKey, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    },
  );
  const loopback: Bearer = {
    name: 'loopback',
    person: person?.id ?? '',
    operate: true,
    report: { sources: null, classes: null, targets: null, per_minute: 600 },
  };
  return {
    api: api.incidentApi,
    tokens: () => (runbookTokens === undefined ? Promise.resolve([]) : readTokenTable(runbookTokens)),
    loopback,
    roster: () => Promise.resolve(roster()),
    ...(hostName === undefined ? {} : { defaultHost: hostName }),
    forensic: {
      key: async () => {
        const key = forensicKeyOf(await readFile(layout.forensicKey));
        if (key !== undefined) return key;
        throw new StackError('usage', `${layout.forensicKey} does not hold 64 hex characters: delete it`);
      },
      policyDigest: async () => (await api.policy()).digest,
    },
    rate: new ReportRate(),
  };
}
