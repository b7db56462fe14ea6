import { resolve } from 'node:path';
import { isDocumentName } from '../../../proofs/contract-registry.js';
import { EXIT } from '../../api/exit-status.js';
import { readPolicyFile, readRosterFile } from '../../config/policy-file.js';
import { differences, type Difference } from '../../contract/differences.js';
import { fetchNamed } from '../../contract/registry-at.js';
import { contractPlace, type ContractOptions } from '../contract-place.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { payloadOf } from './contract-read.js';

/** `reseal contract diff BEFORE AFTER`: digests of the registry or policy files. What is compared is what they mean. */
export async function diffContracts(
  session: Session,
  before: string,
  after: string,
  options: ContractOptions,
): Promise<number> {
  const found = differences(await valueOf(session, before, options), await valueOf(session, after, options));
  session.data((await structured(session.output, { differences: found })) ?? differencesText(session, found));
  return EXIT.done;
}

async function valueOf(session: Session, name: string, options: ContractOptions): Promise<unknown> {
  const kind = options.roster === true ? 'roster' : 'contract';
  if (isDocumentName(kind, name)) {
    const { registry } = await contractPlace(session, options);
    const value = payloadOf(kind, (await fetchNamed(registry, name, [kind])).envelope);
    return kind === 'roster' ? (value as { roster: unknown }).roster : value;
  }
  const path = resolve(session.io.cwd, name);
  return kind === 'roster' ? await readRosterFile(path) : (await readPolicyFile(path)).policy;
}

function differencesText(session: Session, found: readonly Difference[]): string {
  if (found.length === 0) return 'no difference';
  return found
    .flatMap(({ path, before, after }) => [
      ...(before === null ? [] : [session.style('red', `- ${oneLine(path)}: ${oneLine(before)}`)]),
      ...(after === null ? [] : [session.style('green', `+ ${oneLine(path)}: ${oneLine(after)}`)]),
    ])
    .join('\n');
}
