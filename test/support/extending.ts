import { sha256Hex } from '../../proofs/canonical-json.js';
import type { Asked, CeremonyStack } from './ceremony-stack.js';

/** An extension as approvers must name it. */
export interface Extending {
  round: number;
  deadline: string;
  extension_digest: string;
}

/** Alice asks for so many minutes more. Throws unless the ceremony takes it. */
export async function askToExtend(stack: CeremonyStack, asked: Asked, minutes: number, round = 2): Promise<Extending> {
  const { expires_at } = await stack.view(asked.event);
  const deadline = new Date(Date.parse(expires_at ?? '') + minutes * 60_000).toISOString();
  const envelope = await stack.act(asked, 'alice', 'extend', { round, deadline });
  const answer = await stack.deliver(asked.event, envelope);
  if (answer.status !== 'accepted') throw new Error(JSON.stringify(answer));
  return { round, deadline, extension_digest: sha256Hex(envelope.payload) };
}

/** Bob and carol approve exactly this, or those who are named. */
export async function approveExtension(
  stack: CeremonyStack,
  asked: Asked,
  extending: Extending,
  ...people: string[]
): Promise<void> {
  for (const person of people.length > 0 ? people : ['bob', 'carol']) {
    const answer = await stack.say(asked, person, 'approve', { ...extending });
    if (answer.status !== 'accepted') throw new Error(`${person}: ${JSON.stringify(answer)}`);
  }
}
