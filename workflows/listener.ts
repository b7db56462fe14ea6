import { condition, log, sleep } from '@temporalio/workflow';
import { checkOutcomeSchema } from '../domain/outcomes.js';
import type { Said } from '../domain/hearing.js';
import type { CheckedStatement } from '../domain/verdict.js';
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
  /** Of a batch that is left to the authority: what it said of it, or that it says nothing. */
  private told: readonly Said[] | 'nothing' | undefined;

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

  /** Begins a check unless one is under way; of a batch for which `leave` says so, once nobody else tells what it says. */
  listen(leave: (batch: readonly PendingStatement[]) => boolean): void {
    if (this.busy) return;
    const batch = this.inbox.take();
    if (batch.length === 0) return;
    this.busy = true;
    this.underCheck = batch;
    this.told = undefined;
    const hearing = leave(batch) ? this.untilTold(batch) : this.untilChecked(batch);
    this.answer = hearing.then((said) => {
      this.busy = false;
      this.underCheck = [];
      this.heard(said);
    });
  }

  /** Somebody else's check of what is under way; 'nothing' where there is none, and the ceremony's own is wanted. */
  tell(said: CheckedStatement | 'nothing'): void {
    if (this.told !== undefined) return;
    this.told = said === 'nothing' ? said : this.underCheck.map((pending) => ({ ...pending, checked: said }));
  }

  /** What comes meanwhile may be a kill: it waits for no answer but this check's. */
  private async untilTold(batch: readonly PendingStatement[]): Promise<readonly Said[]> {
    await condition(() => this.told !== undefined || !this.inbox.isEmpty);
    return this.told === undefined || this.told === 'nothing' ? this.untilChecked(batch) : this.told;
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
