import type { AdmittedCall } from '../../../activities/tools/admitted-call.js';
import type { Answered, Verb } from '../../../activities/tools/tool-deps.js';
import type { SignedIntent } from '../../../domain/intent.js';
import type { ToolInput, ToolVerb } from '../../../domain/tool-call.js';
import { runAttempts, type FakeClock } from '../graph/attempts.js';

/** Runs a verb as behind its gate, which has admitted the call: attempt by attempt, to its answer. */
export async function called(
  verb: Verb,
  of: { signed: SignedIntent; use: ToolVerb; clock: FakeClock } & Pick<ToolInput, 'evidence' | 'warrant' | 'made'>,
): Promise<Answered> {
  const { signed, use, clock, ...given } = of;
  const call = { input: given, signed, verb: use, body: { target: {}, receipts: [] } } as unknown as AdmittedCall;
  return (await runAttempts((one: AdmittedCall) => verb(one), call, clock, { maxAttempts: 4 })).result;
}

export const codeOf = (answered: Answered): string => (answered.ok ? 'done' : answered.code);
