import { Client } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker, type Logger } from '@temporalio/worker';
import { compiledPath } from '../../../workers/compiled.js';
import type { Stack } from '../stack/start-stack.js';

export interface BareActivities {
  empty(): Promise<void>;
  begun(key: string): Promise<void>;
}

const silent = (): void => undefined;
const QUIET: Logger = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/** Plain workers as the SDK makes them, on the stack's own server: what every measure is held against. */
export class BareWorld {
  static readonly taskQueue = 'bare-workflows';

  private constructor(
    readonly client: Client,
    /** When activities began, by key; performance.now() of this process. */
    readonly begunAt: Map<string, number>,
    private readonly workers: readonly Worker[],
    private readonly runs: readonly Promise<void>[],
    private readonly connection: NativeConnection,
  ) {}

  static async start(stack: Stack): Promise<BareWorld> {
    const { temporal_address: address, temporal_namespace: namespace } = stack.dev;
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: compiledPath('deploy/local/bench/bare-workflows.js'),
      logger: QUIET,
    });
    const connection = await NativeConnection.connect({ address });
    const begunAt = new Map<string, number>();
    const activities: BareActivities = {
      empty: () => Promise.resolve(),
      begun: (key) => Promise.resolve(void begunAt.set(key, performance.now())),
    };
    const common = { connection, namespace };
    const workers = [
      await Worker.create({ ...common, taskQueue: BareWorld.taskQueue, workflowBundle }),
      await Worker.create({ ...common, taskQueue: 'bare-activities', activities }),
    ];
    const client = new Client({ connection: stack.connection, namespace });
    return new BareWorld(
      client,
      begunAt,
      workers,
      workers.map((worker) => worker.run()),
      connection,
    );
  }

  async stop(): Promise<void> {
    for (const worker of this.workers) worker.shutdown();
    await Promise.allSettled(this.runs);
    await this.connection.close();
  }
}
