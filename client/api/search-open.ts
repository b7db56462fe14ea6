import type { Client } from '@temporalio/client';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import type { CeremonyView } from '../../domain/view.js';
import { viewOfRequest } from '../../domain/request-view.js';
import { KEYWORDS, phaseOf } from './search-keywords.js';
import { fromTemporal } from './temporal-error.js';
import { visibilityQuery } from './visibility-query.js';

const MOST_SEARCHED = 64;

/**
 * What runs under a profile as Temporal's visibility knows it, some seconds late, with what each request asked for; for the
 * day the register is down. `complete` is false when there is more, or when a request could not be read.
 *
 * @throws {ResealError} `temporal_unreachable`.
 */
export async function searchOpen(
  client: Client,
  profile: string,
  readAsked: (eventId: string) => Promise<Parameters<typeof viewOfRequest>[1]>,
): Promise<{ found: CeremonyView[]; complete: boolean }> {
  const running = `${visibilityQuery({ open: true, profile })} AND ExecutionStatus = 'Running'`;
  const found: Promise<CeremonyView>[] = [];
  let complete = true;
  try {
    for await (const { workflowId, startTime, typedSearchAttributes } of client.workflow.list({ query: running })) {
      if (found.length >= MOST_SEARCHED) {
        complete = false;
        break;
      }
      const eventId = workflowId.slice(ceremonyWorkflowId('').length);
      const state = phaseOf(typedSearchAttributes.get(KEYWORDS.state));
      found.push(
        readAsked(eventId).then((asked) => {
          if (asked === null) complete = false;
          return viewOfRequest(eventId, asked, { state, requested_at: startTime.toISOString() });
        }),
      );
    }
  } catch (error) {
    throw fromTemporal(error);
  }
  const views = await Promise.all(found);
  return { found: views, complete };
}
