import { isScalar, parseDocument, stringify } from 'yaml';
import type { Contract } from '../../../domain/contract.js';

/** The text of a policy file with a contract section at its end. The rest stays as somebody wrote it. */
export function withContract(text: string, contract: Contract): string {
  const section = stringify({ contract: { ...contract, token_ttl: `${contract.token_ttl}s` } }, { lineWidth: 0 });
  return `${text.trimEnd()}
# What this stack's own signers sign. Edit anything in this file, restart \`reseal dev\`, and it is published as the next version.
${section}`;
}

/** The text with other values for members of its contract section; comments, order and everything else stay. */
export function withContractMembers(text: string, members: Readonly<Record<string, string | number>>): string {
  const document = parseDocument(text);
  const places = Object.entries(members).flatMap(([name, value]) => {
    const node = document.getIn(['contract', name], true);
    return isScalar(node) && node.range ? [{ from: node.range[0], to: node.range[1], value: String(value) }] : [];
  });
  // From the end, so that what comes before keeps its place.
  return places
    .sort((a, b) => b.from - a.from)
    .reduce((said, { from, to, value }) => said.slice(0, from) + value + said.slice(to), text);
}
