import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { isEnd } from '../../domain/ceremony-state.js';
import { historyUrl } from '../../domain/history-url.js';
import { ceremonyWorkflowId, instant } from '../../domain/identifiers.js';
import { refusalOf } from '../../domain/refusal.js';
import { viewOfRequest } from '../../domain/request-view.js';
import { signedStatementSchema, type SignedStatement } from '../../domain/statement.js';
import type { CeremonyView } from '../../domain/view.js';
import { digestOf } from '../../proofs/canonical-json.js';
import type { AskedRegister } from './asked-register.js';
import { firstInput } from './first-input.js';
import { requestInLedger } from './request-in-ledger.js';
import type { EventView } from './reseal-api.js';
import { ResealError } from './reseal-error.js';
import { KEYWORDS, phaseOf } from './search-keywords.js';
import { readRequestStatement } from './statement-shape.js';
import { fromTemporal, isNotFound, notFound } from './temporal-error.js';
import { timeThere } from './workflow-place.js';
import type { WorkflowReader } from './workflow-reader.js';

interface Sources {
  readonly client: Client;
  readonly reader: WorkflowReader;
  readonly register: AskedRegister;
  /** Base address of Temporal's Web UI, or null when nobody knows it. */
  readonly uiUrl: string | null;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What is known of one ceremony, from its workflow and from the register, whichever of them answers. */
export class EventViews {
  constructor(private readonly options: Sources) {}

  /** One ceremony, as whoever knows most says: the register once it has ended, the workflow before. Rejects with `not_found`. */
  async get(eventId: string): Promise<EventView> {
    const row = await this.options.register.mayHave((register) => register.getEvent(eventId));
    const found = await this.options.reader.describe(eventId).catch((error: unknown) => {
      if (row === null) throw error;
      return null;
    });
    if (found === null) {
      const imported = this.options.register.mayHave((register) => register.importedEvent(eventId));
      const view = row ?? (await this.refusedAtAdmission(eventId, null)) ?? (await imported);
      if (view === null) throw notFound(eventId);
      return { ...view, now: instant(this.options.now()) };
    }
    const ended = row !== null && isEnd(row.state);
    const view = ended
      ? row
      : ((await this.options.reader.view(eventId, found)) ??
        row ??
        (await this.refusedAtAdmission(eventId, found)) ??
        (await this.unansweredView(eventId, found)));
    const { uiUrl, client } = this.options;
    const run_id = found.runId;
    const ui_url = uiUrl && historyUrl(uiUrl, client.options.namespace, view.workflow_id, run_id);
    return { ...view, run_id, ui_url, now: instant(timeThere(found) ?? this.options.now()) };
  }

  /** The signed request. Rejects with `not_found`, and `no_answer` where it is encrypted to somebody else. */
  async request(eventId: string): Promise<SignedStatement> {
    const input = await this.options.reader
      .bounded(() => firstInput(this.options.client, ceremonyWorkflowId(eventId)))
      .catch(async (error: unknown) => {
        // Temporal keeps a history for some days, the register for good.
        const ledger = isNotFound(error)
          ? await this.options.register.mayHave((register) => register.ledgerOf(eventId))
          : null;
        const envelope = requestInLedger(ledger ?? []);
        if (envelope !== undefined) return { envelope };
        throw fromTemporal(error, eventId);
      });
    const envelope = signedStatementSchema.safeParse((input as { envelope?: unknown } | null)?.envelope);
    if (envelope.success) return envelope.data;
    throw new ResealError('no_answer', `the request of event ${eventId} cannot be read`, {
      hint: 'is this the payload key that the ceremony was started with?',
    });
  }

  private async refusedAtAdmission(
    eventId: string,
    found: WorkflowExecutionDescription | null,
  ): Promise<CeremonyView | null> {
    const refusal = await this.options.register.mayHave((register) => register.refusalOf(eventId));
    if (refusal === null) return null;
    const { at } = refusal;
    const asked = found === null ? null : await this.asked(eventId);
    const known = { state: 'refused' as const, requested_at: at, refusal: refusalOf(refusal) };
    return { ...viewOfRequest(eventId, asked, known), ended_at: at };
  }

  private async unansweredView(eventId: string, found: WorkflowExecutionDescription): Promise<CeremonyView> {
    const state = phaseOf(found.typedSearchAttributes.get(KEYWORDS.state));
    const known = { state, requested_at: found.startTime.toISOString(), flags: ['worker_not_answering'] };
    return viewOfRequest(eventId, await this.asked(eventId), known);
  }

  /** What was asked for, in clear, or null where it cannot be read. */
  async asked(eventId: string): Promise<Parameters<typeof viewOfRequest>[1]> {
    try {
      const { statement } = readRequestStatement(await this.request(eventId));
      return { request: statement.request, request_digest: digestOf(statement.request) };
    } catch {
      return null;
    }
  }
}
