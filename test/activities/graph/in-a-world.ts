import { afterAll, beforeAll, beforeEach, expect } from 'vitest';

import type { GraphSimulator } from '../../../deploy/local/graph/server.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { applyOutcomeSchema, type Survey } from '../../../domain/outcomes.js';
import { runAttempts, type RunOptions } from './attempts.js';
import { ALICE, EVIDENCE, startSimulator, USER_ADMINISTRATOR, World } from './world.js';

export const MINUTE = 60_000;
/** A survey that found nobody. */
export const NOTHING: Survey = { holders: [], principal_assignments: [] };
/** What an intent grants, as the simulator's control names it. */
export const HELD = { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR };

/** One simulator a file, and a new tenant in it before each test. Answers how to get another one within a test. */
export function inAWorld(begin: (world: World) => void): () => World {
  let simulator: GraphSimulator;
  const fresh = (): World => new World(simulator);
  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(() => simulator.close());
  beforeEach(() => begin(fresh()));
  return fresh;
}

/** Runs the grant to its outcome, which is always one that a ceremony can read. */
export async function applyIn(
  world: World,
  signed: SignedIntent = world.intent(),
  options: RunOptions & { warrant?: string | null } = {},
  first = true,
) {
  const warrant = options.warrant === undefined ? await world.warrant(signed) : options.warrant;
  const input = { signed, evidence: EVIDENCE, warrant, first };
  const ran = await runAttempts(world.effects.apply, input, world.clock, options);
  expect(applyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran;
}

/** The role is held, since `afterMs`. */
export async function grantedIn(world: World, signed: SignedIntent, afterMs = 0): Promise<void> {
  const { result } = await applyIn(world, signed);
  expect(result.outcome).toBe('granted');
  world.clock.advance(afterMs);
}

/** Grants that reached Graph, dry runs left out. */
export const grantsIn = async (world: World): Promise<number> =>
  (await world.posts()).filter(({ action, validation_only }) => action === 'adminAssign' && !validation_only).length;
