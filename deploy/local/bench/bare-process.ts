import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';
import { compiledPath } from '../../../workers/compiled.js';

/** Plain workers as the SDK makes them, in a process of their own: `bare-process ADDRESS NAMESPACE TASK_QUEUE`. */
const [address = '', namespace = '', taskQueue = ''] = process.argv.slice(2);
const workflowBundle = await bundleWorkflowCode({
  workflowsPath: compiledPath('deploy/local/bench/bare-workflows.js'),
});
const connection = await NativeConnection.connect({ address });
const activities = { empty: (): Promise<void> => Promise.resolve() };
const workers = [
  await Worker.create({ connection, namespace, taskQueue, workflowBundle }),
  await Worker.create({ connection, namespace, taskQueue: 'bare-activities', activities }),
];
process.stdout.write('ready\n');
await Promise.all(workers.map((worker) => worker.run()));
await connection.close();
