import { z } from 'zod';
import { incidentIdSchema } from '../../../domain/incidents/incident-id.js';
import {
  incidentReceiptSchema,
  type IncidentEntryPayload,
  type IncidentReceipt,
} from '../../../domain/incidents/incident-entry.js';
import {
  incidentSchema,
  settledSchema,
  type ContainmentResult,
  type Incident,
  type Settled,
} from '../../../domain/incidents/incident.js';
import type { Playbook } from '../../../domain/incidents/playbook.js';
import { STANDING_MAX_AGE_MS, type ReleaseRefusal } from '../../../domain/incidents/release-warrant.js';
import {
  containedDataSchema,
  releaseEvidenceSchema,
  type BoundOutcome,
  type IncidentAuthorityTasks,
  type ReleaseEvidence,
  type ReleaseIssued,
} from '../../../domain/incidents/tasks.js';
import type { GateMissing } from '../../../domain/incidents/gate.js';
import { epochMs, instant } from '../../../domain/identifiers.js';
import type { Roster } from '../../../domain/roster.js';
import { containmentBinding } from '../../../proofs/incidents/containment-binding.js';
import { entryOfType, signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import { differs, judgeReleaseEvidence, playbookFor } from '../../../proofs/incidents/release-evidence.js';
import { mintRelease } from '../../../proofs/incidents/release-warrant.js';
import type { RoleKeys } from '../../../proofs/receipt.js';
import type { RoleKey } from '../../../proofs/role-key.js';
import type { Clock } from '../../clock.js';
import type { Database, Sql } from '../../register/database.js';
import type { LookUpAttested } from './attested-before.js';

/** What the authority holds for recoveries. */
export interface RecoveryHoldings {
  /** Over which `AUTHORITY_MIGRATIONS` have run; it reads the verifier's journal too. */
  database: Database;
  key: Pick<RoleKey, 'keyid' | 'privateKey'>;
  roleKeys: RoleKeys;
  roster: () => Roster;
  clock: Clock;
  playbook: Playbook;
  /** By digest: its own and those before it that still count; left out where it has none of its own. */
  playbooks?: ReadonlyMap<string, Playbook>;
  compatAck: boolean;
  quorum: number;
  attested: LookUpAttested;
}

const bindInputSchema = z.strictObject({
  incident_id: incidentIdSchema,
  standing: incidentReceiptSchema,
  contained: z.array(incidentReceiptSchema).max(32),
});

/**
 * The authority's part in recoveries. Its arguments are anybody's: what an incident is it believes of the register alone,
 * that an action holds of the containment role alone, and each from a signature over bytes.
 */
export function recoveryTasks(holdings: RecoveryHoldings): IncidentAuthorityTasks {
  const { database } = holdings;
  return {
    bindContainment: async (given) => {
      const parsed = bindInputSchema.safeParse(given);
      if (!parsed.success) return { outcome: 'refused', code: 'input_malformed', message: 'expected receipts' };
      return database.transaction((tx) => bind(tx, holdings, parsed.data));
    },
    issueRelease: async (given) => {
      const parsed = releaseEvidenceSchema.safeParse(given);
      if (!parsed.success) return notIssued('evidence_malformed', 'not the shape of evidence for a release');
      return database.transaction((tx) => issue(tx, holdings, parsed.data));
    },
  };
}

const takeTurn = (tx: Sql, incidentId: string) =>
  tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`authority/${incidentId}`]);

interface Containment extends Record<string, unknown> {
  settled: string;
  receipt: string;
}
const readContainment = async (tx: Sql, incidentId: string, generation: number): Promise<Containment | undefined> =>
  (
    await tx.query<Containment>(
      'SELECT settled, receipt FROM authority.containments WHERE incident_id = $1 AND generation = $2',
      [incidentId, generation],
    )
  )[0];

/** Binds a containment once each of its actions is proven to hold. What was bound before is answered again. */
async function bind(
  tx: Sql,
  holdings: RecoveryHoldings,
  { incident_id, standing, contained }: z.output<typeof bindInputSchema>,
): Promise<BoundOutcome> {
  const no = (code: string, message: string): BoundOutcome => ({ outcome: 'refused', code, message });
  await takeTurn(tx, incident_id);
  const { roleKeys, clock, key } = holdings;
  const nowMs = clock.now();
  const said = entryOfType(standing, incident_id, 'standing', roleKeys);
  const incident = incidentSchema.safeParse(said?.data);
  if (said === undefined || !incident.success) return no('standing_unproven', 'the register did not say what this is');
  if (nowMs - epochMs(said.at) > STANDING_MAX_AGE_MS) return no('standing_stale', `the register said so at ${said.at}`);
  const { generation } = incident.data;
  const known = await readContainment(tx, incident_id, generation);
  if (known !== undefined) {
    const settled = settledSchema.parse(JSON.parse(known.settled));
    return { outcome: 'bound', settled, receipt: JSON.parse(known.receipt) as IncidentReceipt };
  }
  if (playbookFor(incident.data, holdings) === undefined)
    return no('playbook_differs', differs(incident.data, holdings).slice(0, 500));
  const results = resultsOf(incident.data, contained, roleKeys);
  if (results === undefined) return no('containment_unproven', 'not every action is proven to hold');
  const settled = settle(incident.data, results, nowMs);
  const receipt = signIncidentReceipt(
    entryOf(incident_id, 'containment_settled', generation, nowMs, { ...settled }),
    key,
  );
  await tx.query(
    `INSERT INTO authority.containments (incident_id, generation, containment_binding, settled_at, settled, receipt)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      incident_id,
      generation,
      settled.containment_binding,
      instant(nowMs),
      JSON.stringify(settled),
      JSON.stringify(receipt),
    ],
  );
  return { outcome: 'bound', settled, receipt };
}

/** One success of each action, in the order of the actions, by the containment role's signatures; undefined where one lacks. */
function resultsOf(
  { incident_id, generation, host, containment_actions }: Incident,
  contained: readonly IncidentReceipt[],
  roleKeys: RoleKeys,
): ContainmentResult[] | undefined {
  const proven = contained.flatMap((receipt) => {
    const entry = entryOfType(receipt, incident_id, 'contained', roleKeys);
    const data = containedDataSchema.safeParse(entry?.data);
    const holds = data.success && data.data.success && data.data.generation === generation && data.data.host === host;
    return holds ? [data.data] : [];
  });
  const results = containment_actions.flatMap((action) => {
    const one = proven.find((data) => data.action === action);
    return one === undefined ? [] : [{ action, success: true, completed_at: one.completed_at }];
  });
  return results.length === containment_actions.length ? results : undefined;
}

function settle(incident: Incident, results: ContainmentResult[], nowMs: number): Settled {
  const containment_binding = containmentBinding({
    incident_id: incident.incident_id,
    incident_class: incident.class,
    severity: incident.severity,
    containment_actions: incident.containment_actions,
    containment_results: results,
  });
  const latest = Math.max(...results.map(({ completed_at }) => epochMs(completed_at)));
  const contained_at = results.length === 0 ? instant(nowMs) : instant(latest);
  return { generation: incident.generation, containment_binding, containment_results: results, contained_at };
}

/** Judges all of it anew for every warrant; the entry of one evidence is the same each time. */
async function issue(tx: Sql, holdings: RecoveryHoldings, evidence: ReleaseEvidence): Promise<ReleaseIssued> {
  const { incident_id } = evidence;
  await takeTurn(tx, incident_id);
  const { roleKeys, clock, key, playbook, playbooks, compatAck, quorum } = holdings;
  const nowMs = clock.now();
  const claimed = settledSchema.safeParse(
    entryOfType(evidence.settled, incident_id, 'containment_settled', roleKeys)?.data,
  );
  if (!claimed.success) return notIssued('settled_unproven', 'the authority did not settle this containment');
  const { generation, containment_binding } = claimed.data;
  const [newest] = await tx.query<{ generation: number }>(
    'SELECT generation FROM authority.containments WHERE incident_id = $1 ORDER BY generation DESC LIMIT 1',
    [incident_id],
  );
  if (newest?.generation !== generation)
    return notIssued(
      'containment_changed',
      `generation ${newest?.generation ?? 'none'} stands: this is of ${generation}`,
    );
  const attested = await holdings.attested(tx, incident_id, containment_binding);
  const rules = {
    ...{ roster: holdings.roster(), roleKeys, playbook, compatAck, quorum, nowMs },
    voidBeforeMs: attested.voidBeforeMs,
    ...(playbooks === undefined ? {} : { playbooks }),
  };
  const judged = judgeReleaseEvidence(evidence, rules);
  if (!judged.ok) return notIssued(judged.code, judged.message, judged.missing);
  const { attempt } = judged;
  if (attempt !== null && (attested.latest?.attempt !== attempt || attested.latest.verdict !== 'passed')) {
    const { latest } = attested;
    const message = `attempt ${attempt} is not the latest: ${latest === null ? 'the verifier knows none' : `attempt ${latest.attempt} ${latest.verdict}`}`;
    return notIssued('attestation_superseded', message, ['attestation_refused']);
  }
  const { warrant, claims } = await mintRelease(judged, key, nowMs);
  const receipt = await journaled(
    tx,
    holdings,
    { evidence, digest: judged.evidence_digest, generation, nowMs },
    claims.reseal,
  );
  return { outcome: 'issued', warrant, expires_at: instant(claims.exp * 1000), receipt };
}

async function journaled(
  tx: Sql,
  { key }: RecoveryHoldings,
  {
    evidence,
    digest,
    generation,
    nowMs,
  }: { evidence: ReleaseEvidence; digest: string; generation: number; nowMs: number },
  scope: object,
): Promise<IncidentReceipt> {
  const { incident_id } = evidence;
  const [known] = await tx.query<{ receipt: string }>(
    'SELECT receipt FROM authority.releases WHERE incident_id = $1 AND generation = $2 AND evidence_digest = $3',
    [incident_id, generation, digest],
  );
  if (known !== undefined) return JSON.parse(known.receipt) as IncidentReceipt;
  const data = { generation, ...scope, evidence };
  const entry = entryOf(incident_id, 'release_issued', `${generation}/${digest.slice(0, 16)}`, nowMs, data);
  const receipt = signIncidentReceipt(entry, key);
  await tx.query(
    'INSERT INTO authority.releases (incident_id, generation, evidence_digest, issued_at, receipt) VALUES ($1, $2, $3, $4, $5)',
    [incident_id, generation, digest, instant(nowMs), JSON.stringify(receipt)],
  );
  return receipt;
}

const entryOf = (
  incident_id: string,
  type: 'containment_settled' | 'release_issued',
  name: string | number,
  nowMs: number,
  data: Record<string, unknown>,
): IncidentEntryPayload => ({
  schema: 'reseal.incident_entry.v1',
  incident_id,
  transition: `${type}/${name}`,
  type,
  at: instant(nowMs),
  data,
});

const notIssued = (code: ReleaseRefusal, message: string, missing: GateMissing[] = []): ReleaseIssued => ({
  outcome: 'refused',
  code,
  message: message.slice(0, 500),
  missing,
});
