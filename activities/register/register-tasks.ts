import type { JobLedger } from '../../domain/job-tasks.js';
import type { SweepPager } from '../../domain/sweep.js';
import type { RegisterTasks } from '../../domain/tasks.js';
import { admission } from './admission.js';
import { appending } from './append.js';
import { deliveriesTask } from './delivery-receipts.js';
import { grantedTask } from './granted-receipt.js';
import type { RegisterHoldings } from './holdings.js';
import { reviewing } from './review.js';
import { paging } from './sweep-notices.js';

/** The register role's activities, over a database whose migrations (`REGISTER_MIGRATIONS`) have run. */
export function registerTasks(holdings: RegisterHoldings): RegisterTasks & SweepPager & JobLedger {
  const tasks = { admit: admission(holdings), append: appending(holdings), review: reviewing(holdings) };
  return { ...tasks, deliveries: deliveriesTask(holdings), page: paging(holdings), granted: grantedTask(holdings) };
}
