import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { incidentClassSchema, type IncidentClass } from '../../domain/incidents/classes.js';
import { reporterSchema } from '../../domain/incidents/incident.js';
import { hostNameSchema } from '../../domain/incidents/incident-id.js';
import { digestSchema } from '../../domain/identifiers.js';
import { ResealError } from '../api/reseal-error.js';

const scopeSchema = z.strictObject({
  /** What `source` may be. */
  sources: z.array(z.string().min(1).max(100)).min(1).max(64),
  classes: z.array(incidentClassSchema).min(1),
  /** Hosts that its reports may be about, and so have contained. */
  targets: z.array(hostNameSchema).min(1).max(1000),
  /** Reports within one minute; more are refused, before anything is contained. */
  per_minute: z.number().int().min(1).max(600).default(30),
});

const tokenSchema = z.strictObject({
  name: reporterSchema,
  /** Hex SHA-256 of the token: whoever reads the table has no token. Tokens are random, at least 32 characters. */
  sha256: digestSchema,
  /** Who answers for it: a person's id on the roster. */
  person: z.string().min(1).max(64),
  /** May acknowledge, ask for re-attestation, resolve and export, as that person. */
  operate: z.boolean().default(false),
  report: scopeSchema.optional(),
});

/** The table of bearer tokens of the runbook's API. YAML. */
export const tokenTableSchema = z
  .strictObject({ version: z.literal(1), tokens: z.array(tokenSchema).max(1000) })
  .superRefine(({ tokens }, context) => {
    for (const member of ['name', 'sha256'] as const) {
      const seen = new Set<string>();
      for (const [index, token] of tokens.entries()) {
        if (seen.has(token[member]))
          context.addIssue({ code: 'custom', path: ['tokens', index, member], message: 'another token has it' });
        seen.add(token[member]);
      }
    }
  });
export type TokenTable = z.output<typeof tokenTableSchema>;

/** Who calls, and what they may. `report` null: nothing may be reported; its members null: anything. */
export interface Bearer {
  name: string;
  person: string;
  operate: boolean;
  report: {
    sources: readonly string[] | null;
    classes: readonly IncidentClass[] | null;
    targets: readonly string[] | null;
    per_minute: number;
  } | null;
}

const MIN_TOKEN = 32;
const MAX_TOKEN = 512;
const sha256 = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/**
 * Whose token an `Authorization` header shows.
 *
 * @param loopback who calls without one; nobody when left out.
 * @throws {ResealError} `token_missing`, `token_unknown`.
 */
export function bearerOf(header: string | undefined, tokens: TokenTable['tokens'], loopback?: Bearer): Bearer {
  if (header === undefined && loopback !== undefined) return loopback;
  if (header === undefined)
    throw new ResealError('token_missing', 'this needs a bearer token', {
      hint: 'send `Authorization: Bearer TOKEN`; whoever runs the gateway gives them out',
    });
  const [, token = ''] = /^Bearer +([\x21-\x7e]+)$/i.exec(header) ?? [];
  const shown = sha256(token);
  // All are compared, so that the time tells nothing of where in the table it stands.
  const found = tokens.filter((one) => timingSafeEqual(Buffer.from(one.sha256, 'hex'), shown));
  const [known] = found;
  if (known === undefined || token.length < MIN_TOKEN || token.length > MAX_TOKEN)
    throw new ResealError('token_unknown', 'this token is not known here');
  const { name, person, operate, report = null } = known;
  return { name, person, operate, report };
}

/** @throws {ResealError} `token_scope` where this token may not act for its person. */
export function mayOperate(bearer: Bearer): void {
  if (bearer.operate) return;
  throw new ResealError('token_scope', `the token ${bearer.name} may not do this`, {
    hint: 'it needs `operate: true` in the table of tokens',
  });
}

/** @throws {ResealError} `token_scope` where this token may report nothing at all. */
export function mayReportAnything(bearer: Bearer): Bearer & { report: NonNullable<Bearer['report']> } {
  const { name, report } = bearer;
  if (report !== null) return { ...bearer, report };
  throw new ResealError('token_scope', `the token ${name} may report nothing`);
}

/**
 * Whether a report is within a token's scope.
 *
 * @throws {ResealError} `token_scope`, naming the member.
 */
export function mayReport(bearer: Bearer, report: { source: string; class: IncidentClass; host: string }): void {
  const { name, report: scope } = mayReportAnything(bearer);
  const outside = (
    [
      ['source', scope.sources, report.source],
      ['class', scope.classes, report.class],
      ['host', scope.targets, report.host],
    ] as const
  ).find(([, allowed, value]) => allowed !== null && !(allowed as readonly string[]).includes(value));
  if (outside === undefined) return;
  const [field] = outside;
  throw new ResealError('token_scope', `the token ${name} may not report this ${field}`, { field });
}

const MINUTE_MS = 60_000;

/** How often each token has reported within the last minute; in memory, the register counts on its own. */
export class ReportRate {
  private readonly times = new Map<string, number[]>();

  constructor(private readonly now: () => number = Date.now) {}

  /** @throws {ResealError} `busy` where one more would be too many. */
  count({ name, report }: Bearer): void {
    const now = this.now();
    const recent = (this.times.get(name) ?? []).filter((at) => now - at < MINUTE_MS);
    this.times.set(name, recent);
    if (recent.length >= (report?.per_minute ?? 0))
      throw new ResealError('busy', `the token ${name} has reported ${recent.length} times within a minute`, {
        hint: 'nothing was contained for this report; repeat it later',
      });
    recent.push(now);
  }
}
