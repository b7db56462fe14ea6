import { log, sleep } from '@temporalio/workflow';
import { checkOutcomeSchema } from '../domain/outcomes.js';
import type { Said } from '../domain/hearing.js';
import { bytesOf, type Inbox } from './inbox.js';
import type { PendingStatement } from './protocol.js';
import { ceremonies } from './role-tasks.js';

/** What may be carried into the next run; more is heard before the ceremony continues as new. */
const CARRIED_BYTES = 512 * 1024;

/**
 * Takes what waits in the inbox, batch by batch, and has its signatures checked. One check is under way at a time; what
 * arrives meanwhile is the next batch, so that a flood costs few checks and a kill waits for one at most. Nothing else
 * waits for it: deadlines pass while a check is under way.
 */
export class Listener {
  private underCheck: readonly PendingStatement[] = [];
  private busy = false;
  private answer: Promise<void> = Promise.resolve();

  /** `heard` takes a batch in the order it was taken. It is called in a moment of its own, never from within `listen`. */
  constructor(
    private readonly inbox: Inbox,
    private readonly heard: (batch: readonly Said[]) => void,
  ) {}

  get isBusy(): boolean {
    return this.busy;
  }

  /** What is under check now. */
  get checking(): readonly PendingStatement[] {
    return this.underCheck;
  }

  /** Once the batch that is under check now has been handed over. */
  get heardNow(): Promise<void> {
    return this.answer;
  }

  /** Whether what has not been heard is little enough to be carried into the next run. */
  get canBeCarried(): boolean {
    return this.inbox.unreadable.length === 0 && bytesOf(this.underCheck) + this.inbox.bytesWaiting <= CARRIED_BYTES;
  }

  /** What has not been heard yet, to be carried into the next run. A check is repeatable: its answer was not used yet. */
  waiting(): PendingStatement[] {
    return [...this.underCheck, ...this.inbox.waiting()];
  }

  /** Begins a check unless one is under way. */
  listen(): void {
    if (this.busy) return;
    const batch = this.inbox.take();
    if (batch.length === 0) return;
    this.busy = true;
    this.underCheck = batch;
    this.answer = this.untilChecked(batch).then((said) => {
      this.busy = false;
      this.underCheck = [];
      this.heard(said);
    });
  }

  /** Asks until there is a usable answer: whoever completes or fails the activity in its place delays, and no more. */
  private async untilChecked(batch: readonly PendingStatement[]): Promise<Said[]> {
    for (;;) {
      const said = await check(batch).catch(() => undefined);
      if (said !== undefined) return said;
      log.warn('the signature check gave no usable answer and will be asked again', { statements: batch.length });
      await sleep('2s', { summary: 'ask for the signature check again' });
    }
  }
}

async function check(batch: readonly PendingStatement[]): Promise<Said[] | undefined> {
  const answer = await ceremonies(heardAs(batch)).check({ envelopes: batch.map(({ envelope }) => envelope) });
  const checked = checkOutcomeSchema.safeParse(answer);
  if (!checked.success || checked.data.length !== batch.length) return undefined;
  return batch.flatMap((pending, index) => {
    const verdict = checked.data[index];
    return verdict === undefined ? [] : [{ ...pending, checked: verdict }];
  });
}

const heardAs = (batch: readonly PendingStatement[]): string =>
  batch.length === 1 ? `check one statement: ${batch[0]?.signal ?? ''}` : `check ${batch.length} statements`;
