import type { VerifierTasks } from '../../domain/tasks.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { receiptOf, type GraphDeps } from './effect-deps.js';

type Watch = VerifierTasks['watch'];
type Found = (input: Parameters<Watch>[0]) => Promise<Omit<Awaited<ReturnType<Watch>>, 'receipt'>>;

/** A watch whose findings the verifier signs, with what they change in who is known to hold what. */
export const signedWatch =
  (deps: GraphDeps, watch: Found): Watch =>
  async (input) => {
    const { findings, holders } = await watch(input);
    const [before, after] = [new Set(input.survey.holders), new Set(holders)];
    const added = holders.filter((key) => !before.has(key));
    const removed = input.survey.holders.filter((key) => !after.has(key));
    const data = { findings, added, removed };
    const transition = `watched/${digestOf(data).slice(0, 32)}`;
    const receipt = receiptOf(deps, input.signed.intent, { type: 'watched', transition, data });
    return { findings, holders, receipt };
  };
