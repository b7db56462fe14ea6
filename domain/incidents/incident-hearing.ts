import { instant } from '../identifiers.js';
import type { SignedStatement } from '../statement.js';
import type { IncidentEvent } from './incident-event.js';
import { tell } from './incident-told.js';
import type { Acknowledged, IncidentMachine } from './incident-state.js';
import { incidentStatementObjection, statementOver } from './statement-rules.js';
import type { IncidentStatement, IncidentStatementRefusal } from './statements.js';

type Said = Extract<IncidentEvent, { type: 'heard' | 'heard_bearer' }>;
/** `resolved_by`: what was heard is a wish to resolve. */
export interface Heard {
  state: IncidentMachine;
  resolved_by: string | null;
}

/** No answer is remembered for longer than this many others. */
const VERDICTS = 32;
const MAX_BESIDE = 32;

/** Takes one thing that was said, whose signature was checked before; an answer is kept for whoever asks. */
export function hearIncident(state: IncidentMachine, said: Said, nowMs: number): Heard {
  if (said.type === 'heard_bearer') return hearBearer(state, said, nowMs);
  const { checked, envelope } = said;
  if (!checked.ok) return refused(state, checked.digest, checked.reason, nowMs);
  const { incident, settled } = state;
  const of = { incident_id: incident.incident_id, binding: settled?.settled.containment_binding ?? null };
  const { statement } = checked;
  const objection = incidentStatementObjection(statement, of, nowMs) ?? repeated(state, statement);
  if (objection !== undefined) return refused(state, checked.digest, objection, nowMs);
  const at = instant(nowMs);
  const { act, person } = statement;
  const data = { act, person, method: checked.method, statement: envelope };
  const told = tell(withVerdict(state, checked.digest, null), 'statement', at, data, checked.statement_digest);
  if (act === 'acknowledge') {
    const { statement_digest, method } = checked;
    const one = { person, at, method, statement_digest, over: statementOver(statement), said: { envelope } };
    return { state: newly(acknowledge(told, one)), resolved_by: null };
  }
  const beside = keep(told, envelope);
  if (act === 'artifact') {
    const artifacts = [...new Set([...told.artifacts, statement.kind])];
    return { state: newly({ ...beside, artifacts }), resolved_by: null };
  }
  return { state: beside, resolved_by: act === 'resolve' ? person : null };
}

/** The gateway's word for somebody: enough only where nothing more is asked for. */
function hearBearer(
  state: IncidentMachine,
  { act, bearer }: Extract<Said, { type: 'heard_bearer' }>,
  nowMs: number,
): Heard {
  const { settled, incident } = state;
  const by = bearer.operator;
  if (act === 'resolve') return { state, resolved_by: by };
  if (settled === null) return refused(state, null, 'not_settled', nowMs);
  if (incident.requirements.signed) return refused(state, null, 'needs_signature', nowMs);
  if (state.acknowledged.some(({ person }) => person === by)) return refused(state, null, 'duplicate', nowMs);
  const at = instant(nowMs);
  const { containment_binding } = settled.settled;
  const data = { act, person: by, method: 'bearer', token_name: bearer.token_name, containment_binding };
  const told = tell(state, 'statement', at, data);
  const one = { person: by, at, method: 'bearer', statement_digest: null, over: null, said: { bearer } };
  return { state: acknowledge(told, one), resolved_by: null };
}

/** Of one person the latest counts: a signature takes the place of a token's word, or of an older signature. */
const acknowledge = (state: IncidentMachine, one: Acknowledged): IncidentMachine => ({
  ...state,
  acknowledged: [...state.acknowledged.filter(({ person }) => person !== one.person), one].slice(-16),
});

/** What the authority refused it refused without this. */
const newly = (state: IncidentMachine): IncidentMachine =>
  state.phase === 'contained' ? { ...state, authority_refuses: null } : state;

function repeated({ acknowledged }: IncidentMachine, { act, person, ...of }: IncidentStatement) {
  if (act !== 'acknowledge') return undefined;
  const before = acknowledged.find((one) => one.person === person && 'envelope' in one.said);
  const over = before?.over ?? null;
  const renews = over !== null && statementOver(of) > over;
  return before === undefined || renews ? undefined : ('duplicate' as const);
}

const keep = (state: IncidentMachine, envelope: SignedStatement): IncidentMachine => ({
  ...state,
  beside: [...state.beside, envelope].slice(-MAX_BESIDE),
});

function refused(
  state: IncidentMachine,
  digest: string | null,
  reason: IncidentStatementRefusal,
  nowMs: number,
): Heard {
  const next = digest === null ? state : withVerdict(state, digest, reason);
  // Anybody can send what is refused: the first of it is recorded, the rest only answered.
  if (state.told >= 512) return { state: next, resolved_by: null };
  return { state: tell(next, 'statement_refused', instant(nowMs), { digest, reason }), resolved_by: null };
}

const withVerdict = (state: IncidentMachine, digest: string, reason: IncidentStatementRefusal | null) => ({
  ...state,
  verdicts: [...state.verdicts.filter((one) => one.digest !== digest), { digest, ok: reason === null, reason }].slice(
    -VERDICTS,
  ),
});
