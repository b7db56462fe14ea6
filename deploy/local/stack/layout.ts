import path from 'node:path';

/** Where one local stack keeps what it knows: everything under one folder, mode 0700. */
export interface Layout {
  root: string;
  devJson: string;
  pidFile: string;
  temporalPidFile: string;
  /** Of the simulated host's emulated TPM, while it runs. */
  hostTpmPidFile: string;
  temporalDb: string;
  temporalLog: string;
  registerDir: string;
  graphState: string;
  keyring: string;
  roleKeys: string;
  identities: string;
  roster: string;
  policy: string;
  trust: string;
  /** Signed contracts, rosters and lists of revocations: the registry of this stack. */
  contracts: string;
  /** Who may sign them. */
  contractRoots: string;
  /** The keys of the stack's own signers. */
  contractSigners: string;
  /** A file for each key of Sentinel's logs that may be imported, named after its key id. */
  importKeys: string;
  inboxSecret: string;
  /** What forensic bundles are signed with. */
  forensicKey: string;
  /** A settings file for each role, for a process that plays it alone. */
  workers: string;
  /** New secrets of rotated credentials: the sink called `local`. */
  rotated: string;
  /** Signed references of hosts. */
  references: string;
  roleLog: string;
  /** What the roles refused, in ledgers of their own. */
  attempts: string;
  /** Tokens and hosts files of the simulated host. */
  host: string;
  /** The report of the last sweep that was run without Temporal. */
  sweepReport: string;
  /** The authority's intents, where the sweep finds them. */
  intents: string;
}

export function layoutOf(root: string): Layout {
  const at = (...parts: string[]): string => path.join(root, ...parts);
  return {
    root,
    devJson: at('dev.json'),
    pidFile: at('dev.pid'),
    temporalPidFile: at('temporal.pid'),
    hostTpmPidFile: at('host-tpm.pid'),
    temporalDb: at('temporal.db'),
    temporalLog: at('temporal.log'),
    registerDir: at('register'),
    graphState: at('graph.json'),
    keyring: at('payload-keyring.json'),
    roleKeys: at('role-keys'),
    identities: at('identities'),
    roster: at('roster.yaml'),
    policy: at('policy.yaml'),
    trust: at('trust.json'),
    contracts: at('contracts'),
    contractRoots: at('contract-roots.json'),
    contractSigners: at('contract-signers'),
    importKeys: at('import-keys'),
    inboxSecret: at('inbox-secret'),
    forensicKey: at('forensic.key'),
    workers: at('workers'),
    attempts: at('attempts'),
    rotated: at('rotated'),
    references: at('references'),
    roleLog: at('roles.log'),
    host: at('host'),
    sweepReport: at('sweep-report.json'),
    intents: at('intents'),
  };
}
