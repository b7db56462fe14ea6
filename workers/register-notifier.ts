import type { Client } from '@temporalio/client';
import { deliveryLedger } from '../activities/register/delivery-receipts.js';
import { noticeQueue } from '../activities/register/notice-queue.js';
import { keepOwedNotices } from '../activities/register/owed-notices.js';
import { historyUrl } from '../domain/history-url.js';
import { ceremonyWorkflowId } from '../domain/identifiers.js';
import { ceremonyTime } from './ceremony-time.js';
import { channelFaults, jobRuntimes, noticeChannels, runtimeFaults } from './notice-channels.js';
import { startNotifier } from './notifier.js';
import type { RoleContext } from './role-context.js';
import { registerHoldings } from './role-tasks.js';
import { sectionOf } from './settings.js';

/**
 * The notifier beside the register role. A channel that the policy names and the settings lack, or whose secret cannot be
 * read, is said in the log and stops nothing: a register that did not start because of a notice could admit no emergency
 * and reseal none.
 */
export async function startRegisterNotifier(context: RoleContext, client: Client): Promise<{ stop(): Promise<void> }> {
  const { settings, contracts, log } = context;
  const { ui_url, namespace } = settings.temporal;
  const holdings = registerHoldings(context);
  const channels = noticeChannels(sectionOf(settings, 'register').notice_channels ?? {});
  for (const fault of await channelFaults(channels, contracts.policy().policy))
    log('notices will not go out', { ...fault });
  const runtimes = jobRuntimes(sectionOf(settings, 'register').job_runtimes ?? {});
  for (const fault of await runtimeFaults(runtimes, contracts.policy().policy))
    log('jobs will not be halted by a kill', { ...fault });
  const historyOf = (eventId: string, runId: string): string | null =>
    ui_url === undefined ? null : historyUrl(ui_url, namespace, ceremonyWorkflowId(eventId), runId);
  const timeOf = settings.clock === 'virtual' ? (eventId: string) => ceremonyTime(client, eventId) : null;
  return startNotifier({
    queue: noticeQueue(holdings.database, historyOf, deliveryLedger(holdings, timeOf)),
    channels,
    keepOwed: () => keepOwedNotices(holdings, timeOf),
    log,
  });
}
