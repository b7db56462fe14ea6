import type { Severity } from '../../domain/incidents/classes.js';
import type { AttestationResult } from '../../domain/incidents/attestation-result.js';
import { NOT_REACHED } from '../bundle-report.js';

/** What is checked of an incident's bundle, in this order: the first that failed is where the chain breaks. */
export const INCIDENT_BUNDLE_CHECKS = [
  'format',
  'signature',
  'ledger',
  'signers',
  'event',
  'containment',
  'statements',
  'attestations',
  'gate',
  'release',
  'end',
] as const;
export type IncidentBundleCheck = (typeof INCIDENT_BUNDLE_CHECKS)[number];

/** Somebody's own signed words. `issued_at` is what its author says, and inside the signature. */
export interface ProvenStatement {
  act: string;
  person: string;
  /** How it was signed. */
  method: string;
  issued_at: string;
  /** Hex SHA-256 of its exact text. */
  digest: string;
  containment_binding: string;
  /** Of an artifact or a reference: its digest. */
  of?: string;
  kind?: string;
  note?: string;
}

/** One thing that was refused or failed before the release. `by`: whose word that it happened is. */
export interface ToldRefusal {
  at: string;
  what: string;
  why: string;
  by: 'verifier' | 'effect:containment' | 'register';
}

/** What a bundle says happened; worth something only where its report is `ok`. All times RFC 3339 UTC. */
export interface IncidentFacts {
  class: string | null;
  severity: Severity | null;
  host: string | null;
  opened_at: string | null;
  /** What the event that opened it said; anybody's words. */
  source: string | null;
  description: string | null;
  generations: number;
  containment_binding: string | null;
  contained: { action: string; at: string }[];
  contained_at: string | null;
  /** Who acknowledged it; a bearer token's word names nobody who signed. */
  acknowledged_by: string[];
  statements: ProvenStatement[];
  bearer: boolean;
  /** The attempt that passed, where one was required. */
  attempt: number | null;
  attestation:
    | (Pick<
        AttestationResult,
        | 'nonce'
        | 'ak_name'
        | 'reference_digest'
        | 'reference_version'
        | 'reference_recorded_at'
        | 'reference_is_newer'
        | 'reference_accepted_by'
        | 'baseline'
        | 'counters'
        | 'issued_at'
      > & { checks: number; verifier_keyid: string })
    | null;
  refused: ToldRefusal[];
  /** Who asked for the release; `signed` where a statement of theirs shows it. */
  released_by: { person: string; signed: boolean } | null;
  released_at: string | null;
  released: { action: string; at: string; left: boolean }[];
  resolved_at: string | null;
  ledger_head: string | null;
}

/** What an offline verifier says of an incident's bundle. */
export interface IncidentBundleReport {
  ok: boolean;
  incident_id: string | null;
  checks: { name: IncidentBundleCheck; ok: boolean; detail: string }[];
  facts: IncidentFacts;
  not_verified: string[];
}

/** What has been found so far: a check that nobody ran has failed. */
export class IncidentFindings {
  readonly not_verified = [
    'that no later entry was left out: a bundle carries no checkpoint of a witness',
    "that the makers' clocks were right: each time is its signer's own",
  ];
  readonly facts: IncidentFacts = {
    ...{ class: null, severity: null, host: null, opened_at: null, source: null, description: null, generations: 0 },
    ...{ containment_binding: null, contained: [], contained_at: null, acknowledged_by: [], statements: [] },
    ...{ bearer: false, attempt: null, attestation: null, refused: [], released_by: null, released_at: null },
    ...{ released: [], resolved_at: null, ledger_head: null },
  };
  readonly #failed = new Map<IncidentBundleCheck, string>();
  readonly #ran = new Map<IncidentBundleCheck, string>();

  /** Of several failures of one check the first is told. */
  fail(check: IncidentBundleCheck, detail: string): undefined {
    if (!this.#failed.has(check)) this.#failed.set(check, detail);
    return undefined;
  }

  ran(check: IncidentBundleCheck, detail: string): void {
    this.#ran.set(check, detail);
  }

  report(incident_id: string | null): IncidentBundleReport {
    const checks = INCIDENT_BUNDLE_CHECKS.map((name) => {
      const failed = this.#failed.get(name);
      const ran = this.#ran.get(name);
      return { name, ok: failed === undefined && ran !== undefined, detail: failed ?? ran ?? NOT_REACHED };
    });
    const { facts, not_verified } = this;
    return { ok: checks.every(({ ok }) => ok), incident_id, checks, facts, not_verified };
  }
}
