import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import { makeReference } from '../../../proofs/incidents/make-reference.js';
import { sized, softwareAk } from '../tpm/software-quote.js';

/** A reference that nobody accepted yet, as a file in a folder. */
export function writeReference(folder: string, host: string): { file: string; digest: string } {
  const reference = makeReference({
    host,
    ek: sized(softwareAk('ecdsa').area),
    ak: sized(softwareAk('rsassa').area),
    ekChain: [],
    eventLog: false,
    pcrs: { sha256: { '7': '11'.repeat(32) } },
    label: 'as installed',
    by: 'bob',
    at: '2026-03-14T11:00:00.000Z',
  });
  const file = join(folder, `${host}.1.json`);
  writeFileSync(file, JSON.stringify({ schema: 'reseal.signed_host_reference.v1', reference, acceptances: [] }));
  return { file, digest: sha256Hex(reference) };
}
