import { z } from 'zod';

import type { Survey } from '../../../domain/outcomes.js';
import type { Holding, Holdings } from '../pim/holdings.js';

/** How often each newcomer was seen, and since when (epoch ms). Reads may be stale: one sighting proves nothing. */
export const sightingsSchema = z.record(z.string(), z.object({ seen: z.number().int(), first_at: z.number() }));
export type Sightings = z.output<typeof sightingsSchema>;

const ENOUGH = 2;
/** Bounds what waits in the heartbeat details; more newcomers than this are told in the next round. */
const MAX_SIGHTINGS = 200;

/** What was not there at the survey, each once. */
export function newcomersTo(survey: Survey, { holders, principal }: Holdings): Holding[] {
  const known = new Set([...survey.holders, ...survey.principal_assignments]);
  const found = new Map<string, Holding>();
  for (const holding of [...holders, ...principal]) if (!known.has(holding.key)) found.set(holding.key, holding);
  return [...found.values()];
}

/** Adds one read to the sightings. Pure. */
export function sight(before: Sightings, newcomers: readonly Holding[], nowMs: number): Sightings {
  const after: Sightings = { ...before };
  for (const { key } of newcomers) {
    const earlier = after[key];
    if (earlier === undefined && Object.keys(after).length >= MAX_SIGHTINGS) continue;
    after[key] = { seen: (earlier?.seen ?? 0) + 1, first_at: earlier?.first_at ?? nowMs };
  }
  return after;
}

/** The newcomers of this read that enough reads have shown. */
export function certain(sightings: Sightings, newcomers: readonly Holding[]): Holding[] {
  return newcomers.filter(({ key }) => (sightings[key]?.seen ?? 0) >= ENOUGH);
}
