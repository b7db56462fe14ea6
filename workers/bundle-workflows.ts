import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';
import { compiledPath } from './compiled.js';

/** Where the compiled product keeps the bundle that every worker runs: built once, the same bytes everywhere. */
export const WORKFLOW_BUNDLE = compiledPath('workflow-bundle.js');

/** Bundles the compiled workflows with the converters that never throw. Run by the build; workers only read the file. */
export async function bundleWorkflows(target: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: compiledPath('workflows/index.js'),
    payloadConverterPath: compiledPath('workers/codec/payload-converter.js'),
    failureConverterPath: compiledPath('workers/codec/failure-converter.js'),
    logger: quiet,
  });
  await writeFile(target, code);
}

const silent = (): void => undefined;
const report = (message: string): void => void process.stderr.write(`${message}\n`);
const quiet: Logger = { log: silent, trace: silent, debug: silent, info: silent, warn: report, error: report };
