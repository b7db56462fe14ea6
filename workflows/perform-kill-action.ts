import type { CeremonyState } from '../domain/ceremony-state.js';
import type { KillCommand } from '../domain/kill-actions.js';
import { killOutcomeSchema, type KillOutcome } from '../domain/kill-state.js';
import { sessionsOutcomeSchema } from '../domain/outcomes.js';
import { account, credentials, runtimes, sessions, verifier } from './role-tasks.js';

/** Carries out one action of a kill. Throws on an answer that does not parse: it is asked for again. */
export async function performKillAction(command: KillCommand, state: CeremonyState): Promise<KillOutcome> {
  const { reseal } = state;
  // The machine wants these only beside a reseal.
  if (reseal === null) throw new TypeError('nothing is being resealed');
  const { signed, requested_at: until } = reseal;
  switch (command.action) {
    case 'rotate': {
      const index = command.rotation ?? 0;
      return killOutcomeSchema.parse(await credentials(`rotate credential ${index + 1}`).rotate({ signed, index }));
    }
    case 'halt_job': {
      const index = command.rotation ?? 0;
      const name = signed.intent.on_kill?.halt_job?.[index] ?? '';
      return killOutcomeSchema.parse(await runtimes(`have jobs halted by ${name}`).haltJob({ signed, index }));
    }
    case 'disable_account':
      return killOutcomeSchema.parse(await account('disable the account').disableAccount({ signed }));
    case 'report_granted': {
      const { settled } = command;
      const summary = settled
        ? 'list what was granted to others, by the settled log'
        : 'list what was granted to others';
      return killOutcomeSchema.parse(await verifier(summary).listGranted({ signed, until, settled }));
    }
    case 'end_sessions': {
      const answer = await sessions('end the sign-in sessions').endSessions({ signed });
      return { result: 'done', code: null, ...sessionsOutcomeSchema.parse(answer) };
    }
  }
}
