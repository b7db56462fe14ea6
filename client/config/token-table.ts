import { readYaml } from '../../proofs/yaml-document.js';
import { tokenTableSchema, type TokenTable } from '../gateway/runbook-tokens.js';
import { faulty } from './policy-file.js';
import { readText } from './read-text.js';

/** The table of bearer tokens of the runbook's API. @throws {ResealError} `config_invalid`, naming file, line and value. */
export async function readTokenTable(path: string): Promise<TokenTable['tokens']> {
  const read = readYaml(await readText(path), tokenTableSchema);
  if (read.ok) return read.value.tokens;
  throw faulty(path, read.faults);
}
