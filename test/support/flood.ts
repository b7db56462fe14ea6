import { randomBytes } from 'node:crypto';
import { signWithStranger } from './signing.js';
import type { Asked, CeremonyStack } from './ceremony-stack.js';

/**
 * Sends this many signals that nobody could have meant, twenty at a time: approvals and kills with somebody else's
 * signature, things that are no statement, and names that nobody speaks under. Answers how many of them must be counted.
 */
export async function floodOf(stack: CeremonyStack, asked: Asked, count: number): Promise<number> {
  const now = await stack.now(asked.event);
  const common = stack.common(asked.event, asked.request_digest, 'bob', now);
  const { signature } = signWithStranger({ ...common, act: 'approve' });
  let counted = 0;
  let next = 0;
  const send = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const kind = index % 5;
      if (kind < 4) counted += 1;
      const act = kind === 1 ? 'kill' : 'approve';
      const reason = randomBytes(8).toString('hex');
      // Sorted members: the payload is read in its RFC 8785 form only.
      const payload = JSON.stringify(sorted({ ...common, act, reason }));
      if (kind === 4) await stack.signal(asked.event, 'no-such-act', { index });
      else if (kind === 3) await stack.signal(asked.event, 'approve', `${index}`);
      else await stack.signal(asked.event, act, { payload, signature });
    }
  };
  await Promise.all(Array.from({ length: 20 }, send));
  return counted;
}

const sorted = (value: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
