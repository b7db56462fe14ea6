import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { GraphSimulator } from '../graph/server.js';
import type { SimulatedHost } from '../host/start-host.js';
import type { TemporalServer } from '../temporal/start-temporal.js';
import type { LocalIdentity } from './identities.js';
import { layoutOf, type Layout } from './layout.js';
import { StackError } from './stack-error.js';

/** `.reseal/dev.json`: where everything of a running local stack is, so that `reseal` in another terminal just works. */
export interface DevJson {
  pid: number;
  temporal_address: string;
  temporal_namespace: string;
  temporal_ui_url: string;
  gateway_url: string;
  graph_url: string;
  graph_control_url: string;
  /** A page with the notices of this stack; as JSON at `notices` under it. */
  notice_inbox_url: string;
  /** null with the embedded database. */
  database_url: string | null;
  identities: LocalIdentity[];
  trust_path: string;
  roster_path: string;
  policy_path: string;
  contract_roots_path: string;
  /** The directory of the signed contracts, rosters and lists of revocations. */
  registry_path: string;
  payload_keyring_path: string;
  /** The folder with the references of hosts. */
  references_path: string;
  /** The simulated host; null where the stack has none. */
  host: {
    name: string;
    /** Faults, somebody else's changes, and its TPM. */
    control_url: string;
    attest_agent_url: string;
    attest_token_path: string;
    attestor_url: string;
    integrity_url: string;
    /** The verifier's hosts file. */
    hosts_path: string;
  } | null;
}

export function devJsonOf(parts: {
  layout: Layout;
  temporal: TemporalServer;
  gatewayUrl: string;
  graph: GraphSimulator;
  inboxUrl: string;
  databaseUrl: string | null;
  identities: LocalIdentity[];
  host: SimulatedHost | null;
}): DevJson {
  const { layout, temporal, gatewayUrl, graph, inboxUrl, databaseUrl, identities, host } = parts;
  return {
    pid: process.pid,
    temporal_address: temporal.address,
    temporal_namespace: temporal.namespace,
    temporal_ui_url: temporal.uiUrl,
    gateway_url: gatewayUrl,
    graph_url: graph.url,
    graph_control_url: graph.controlUrl,
    notice_inbox_url: inboxUrl,
    database_url: databaseUrl,
    identities,
    trust_path: layout.trust,
    roster_path: layout.roster,
    policy_path: layout.policy,
    contract_roots_path: layout.contractRoots,
    registry_path: layout.contracts,
    payload_keyring_path: layout.keyring,
    references_path: layout.references,
    host:
      host === null
        ? null
        : {
            name: host.name,
            control_url: host.controlUrl,
            attest_agent_url: host.urls.attest_agent,
            attest_token_path: host.files.attestToken,
            attestor_url: host.urls.attestor,
            integrity_url: host.urls.integrity,
            hosts_path: host.files.verifier,
          },
  };
}

/** Reads the file of the stack that runs in `dir` or a parent. Throws StackError `not_a_local_stack`. */
export async function readDevJson(dir: string): Promise<DevJson> {
  for (let folder = dir; ; folder = path.dirname(folder)) {
    const text = await readFile(layoutOf(path.join(folder, '.reseal')).devJson, 'utf8').catch(() => null);
    if (text !== null) return JSON.parse(text) as DevJson;
    if (folder === path.dirname(folder)) break;
  }
  throw new StackError('not_a_local_stack', `no local stack runs in ${dir}: start one with \`reseal dev\``);
}
