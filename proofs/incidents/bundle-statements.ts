import { z } from 'zod';
import { digestSchema, epochMs } from '../../domain/identifiers.js';
import { settledSchema } from '../../domain/incidents/incident.js';
import { gateMissingSchema } from '../../domain/incidents/gate.js';
import { containedDataSchema } from '../../domain/incidents/tasks.js';
import { incidentStatementRefusalSchema } from '../../domain/incidents/statements.js';
import { signedStatementSchema } from '../../domain/statement.js';
import type { Roster } from '../../domain/roster.js';
import type { IncidentFindings, ProvenStatement } from './incident-bundle-report.js';
import { checkIncidentStatement } from './incident-statement-check.js';
import type { ProvenEntry, ProvenLedger } from './open-incident-bundle.js';

const signedSchema = z.strictObject({
  act: z.string(),
  person: z.string(),
  method: z.string(),
  statement: signedStatementSchema,
});
const bearerSchema = z.strictObject({
  act: z.string(),
  person: z.string(),
  method: z.literal('bearer'),
  token_name: z.string(),
  containment_binding: digestSchema,
});

/** The binding that stood where an entry stands. */
function bindingAt(ledger: ProvenLedger, place: number): string | undefined {
  const bound = ledger.of('containment_settled').findLast((one) => one.place < place);
  return settledSchema.safeParse(bound?.entry.data).data?.containment_binding;
}

/** Everything that people said: each statement verified again by its author's own key, about the containment that stood then. */
export function proveStatements(ledger: ProvenLedger, roster: Roster, found: IncidentFindings): void {
  let bearers = 0;
  for (const one of ledger.of('statement')) {
    const where = `entries[${one.place}]: ${one.entry.transition}`;
    const bearer = bearerSchema.safeParse(one.entry.data);
    if (bearer.success) {
      bearers += 1;
      if (bearer.data.containment_binding !== bindingAt(ledger, one.place))
        return found.fail('statements', `${where}: of another containment than the one that stood`);
      continue;
    }
    const proven = statementOf(ledger, one, roster);
    if (typeof proven === 'string') return found.fail('statements', `${where}: ${proven}`);
    found.facts.statements.push(proven);
  }
  for (const one of ledger.entries) {
    const refused = refusalIn(one);
    if (refused !== undefined) found.facts.refused.push(refused);
  }
  const { length } = found.facts.statements;
  found.ran(
    'statements',
    `${length} verified by their authors' keys${bearers === 0 ? '' : `, ${bearers} by a token alone`}`,
  );
}

function statementOf(ledger: ProvenLedger, { entry, place }: ProvenEntry, roster: Roster): ProvenStatement | string {
  const told = signedSchema.safeParse(entry.data);
  if (!told.success) return 'no signed statement';
  const checked = checkIncidentStatement(told.data.statement, roster, epochMs(entry.at));
  if (!checked.ok) return checked.reason;
  const { statement, person, method, statement_digest } = checked;
  const { act, incident_id, containment_binding, issued_at, note } = statement;
  if (incident_id !== ledger.incident_id) return 'about another incident';
  if (containment_binding !== bindingAt(ledger, place)) return 'about another containment than the one that stood';
  if (told.data.act !== act || told.data.person !== person || told.data.method !== method)
    return `it is ${act} by ${person} (${method}), and told as ${told.data.act} by ${told.data.person} (${told.data.method})`;
  if (entry.transition !== `statement/${statement_digest}`) return 'it stands under the digest of another';
  const of = act === 'artifact' ? statement.digest : act === 'accept_baseline' ? statement.reference_digest : undefined;
  return {
    ...{ act, person, method, issued_at, digest: statement_digest, containment_binding },
    ...(of === undefined ? {} : { of }),
    ...(act === 'artifact' ? { kind: statement.kind } : {}),
    ...(note === undefined ? {} : { note }),
  };
}

/** What an entry says was refused or failed, in whose words. Attestations are read from the verifier's signed results. */
function refusalIn({ entry: { type, at, data } }: ProvenEntry) {
  if (type === 'statement_refused') {
    const { digest, reason } = data;
    const why = incidentStatementRefusalSchema.safeParse(reason).data ?? 'unknown';
    return {
      at,
      what: `statement ${typeof digest === 'string' ? digest.slice(0, 16) : 'by a token'}`,
      why,
      by: 'register' as const,
    };
  }
  if (type === 'resolve_refused') {
    const missing = z.array(gateMissingSchema).safeParse(data['missing']).data ?? [];
    const code = typeof data['code'] === 'string' ? `${data['code']}: ` : '';
    return {
      at,
      what: `resolve by ${String(data['by'])}`,
      why: `${code}${missing.join(', ')}`,
      by: 'register' as const,
    };
  }
  if (type !== 'contained' && type !== 'released') return undefined;
  const done = containedDataSchema.safeParse(data).data;
  if (done === undefined || done.success) return undefined;
  const what = `${type === 'contained' ? 'contain' : 'release'} ${done.action}`;
  return { at, what, why: done.error ?? 'failed', by: 'effect:containment' as const };
}
