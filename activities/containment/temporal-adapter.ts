import { randomUUID } from 'node:crypto';
import { Client, type Connection } from '@temporalio/client';
import type { TargetOf } from '../../domain/incidents/containment-targets.js';
import { stateOf, TargetFailure, type Adapter, type Cause, type Seen } from './adapter.js';
import { memberOf } from './http-adapter.js';

/** The role's own way to Temporal, and the namespace it lives in. */
export interface TemporalAccess {
  readonly connection: () => Promise<Connection>;
  readonly namespace: string;
}

/** gRPC's codes (grpc/grpc, doc/statuscodes.md). */
const GRPC = { 4: 'timed_out', 5: 'not_found', 7: 'unauthorized', 12: 'not_supported', 16: 'unauthorized' } as const;

/** Another workflow, told by signals and asked by a query. What it does about a signal is its own business: the query tells. */
export function signalAdapter(access: TemporalAccess, target: TargetOf<'temporal_signal'>): Adapter {
  const { workflow_id, state } = target;
  const handle = async () => {
    const client = new Client({
      connection: await access.connection(),
      namespace: target.namespace ?? access.namespace,
    });
    return client.workflow.getHandle(workflow_id);
  };
  const tell = ({ signal, args }: typeof target.contain): Promise<void> =>
    called(access, target, async () => (await handle()).signal(signal, ...args));
  return {
    observe: () =>
      called(access, target, async () => {
        const answer: unknown = await (await handle()).query(state.query);
        const word = state.member === undefined ? answer : memberOf(answer as never, state.member);
        return { state: stateOf(word, state), revision: null };
      }),
    contain: () => tell(target.contain),
    release: () => tell(target.release),
  };
}

/** Another workflow, held by Temporal's server (1.30 and later, where the namespace allows it): its tasks wait. */
export function pauseAdapter(access: TemporalAccess, target: TargetOf<'temporal_pause'>): Adapter {
  const namespace = target.namespace ?? access.namespace;
  const workflowId = target.workflow_id;
  const describe = async (): Promise<Seen> => {
    const { workflowService } = await access.connection();
    const found = await workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
    const pause = found.workflowExtendedInfo?.pauseInfo;
    if (!pause) return { state: 'released', revision: null };
    return { state: 'contained', revision: `${pause.pausedTime?.seconds?.toString() ?? ''}/${pause.identity ?? ''}` };
  };
  const call = (work: (cause: { identity: string; reason: string }) => Promise<unknown>) => (cause: Cause) =>
    called(access, target, async () => {
      await work({ identity: 'reseal', reason: cause.incident_id });
    });
  return {
    observe: () => called(access, target, describe),
    contain: call(async (by) => {
      if ((await describe()).state === 'contained') return;
      const { workflowService } = await access.connection();
      await workflowService.pauseWorkflowExecution({ namespace, workflowId, requestId: randomUUID(), ...by });
    }),
    release: call(async (by) => {
      const { workflowService } = await access.connection();
      await workflowService.unpauseWorkflowExecution({ namespace, workflowId, requestId: randomUUID(), ...by });
    }),
  };
}

async function called<T>(
  { connection }: TemporalAccess,
  { workflow_id, timeout_seconds }: { workflow_id: string; timeout_seconds: number },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await (await connection()).withDeadline(Date.now() + timeout_seconds * 1000, work);
  } catch (error) {
    throw failureOf(error, `workflow ${workflow_id}`);
  }
}

function failureOf(error: unknown, what: string): TargetFailure {
  if (error instanceof TargetFailure) return error;
  const { name, code, cause } = error as { name?: string; code?: unknown; cause?: { code?: unknown } };
  if (name === 'WorkflowNotFoundError' || name === 'NamespaceNotFoundError')
    return new TargetFailure('not_found', `${what} is not running`);
  const grpc = [code, cause?.code].find((one) => typeof one === 'number') as keyof typeof GRPC | undefined;
  const known = grpc === undefined ? undefined : GRPC[grpc];
  if (known !== undefined) return new TargetFailure(known, `${what}: gRPC status ${grpc}`);
  if (name === 'QueryNotRegisteredError' || name === 'QueryRejectedError')
    return new TargetFailure('answer_malformed', `${what} does not answer that query`);
  return new TargetFailure('unreachable', grpc === undefined ? what : `${what}: gRPC status ${grpc}`);
}
