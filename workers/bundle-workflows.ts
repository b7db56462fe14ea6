import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflowCode, type BundleOptions, type Logger } from '@temporalio/worker';
import { compiledPath } from './compiled.js';

/** Where the compiled product keeps the bundle that every worker runs: built once, the same bytes everywhere. */
export const WORKFLOW_BUNDLE = compiledPath('workflow-bundle.js');

/**
 * Bundles the compiled workflows with the converters that never throw. Run by the build; workers only read the file.
 *
 * One tree gives one bundle, byte for byte, wherever it lies and whatever its folder of compiled files is called while it
 * is built: modules are named from there, and stack traces from the tree. Neither that name nor the entry point that the
 * SDK writes, which holds the full path of the workflows, gets into it.
 */
export async function bundleWorkflows(target: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: compiledPath('workflows/index.js'),
    payloadConverterPath: compiledPath('workers/codec/payload-converter.js'),
    failureConverterPath: compiledPath('workers/codec/failure-converter.js'),
    preloadModules: await sharedModules(),
    webpackConfigHook: withoutPlaces,
    logger: quiet,
  });
  await writeFile(target, code);
}

/**
 * What workflows import of `domain/`, which is pure: it is loaded once a worker and shared by all its workflows. Each
 * would otherwise hold a copy of its own, several MiB of it, and spend the time to make it at its first task.
 */
async function sharedModules(): Promise<string[]> {
  const files = (await readdir(compiledPath('workflows'))).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(files.map((name) => readFile(compiledPath(`workflows/${name}`), 'utf8')));
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/ from '\.\.\/(domain\/[^']+)'/g)].map(([, name = '']) => name),
  );
  return [...[...new Set(imported)].sort(), 'workflows/share-modules.js'].map((name) => compiledPath(name));
}

const withoutPlaces: NonNullable<BundleOptions['webpackConfigHook']> = (config) => {
  const dist = path.resolve(compiledPath('.'));
  const fromTree = ({ absoluteResourcePath }: { absoluteResourcePath: string }): string => {
    if (!path.isAbsolute(absoluteResourcePath)) return absoluteResourcePath;
    const fromDist = path.relative(dist, absoluteResourcePath);
    const name = fromDist.startsWith('..')
      ? path.relative(path.dirname(dist), absoluteResourcePath)
      : `dist/${fromDist}`;
    return name.split(path.sep).join('/');
  };
  return {
    ...config,
    // https://webpack.js.org/configuration/devtool/: names and lines for stack traces, without the sources' text. Columns
    // would tell how long the path in the SDK's entry point is.
    devtool: 'inline-nosources-cheap-module-source-map',
    context: dist,
    output: { ...config.output, filename: 'workflow-bundle.js', devtoolModuleFilenameTemplate: fromTree },
  };
};

const silent = (): void => undefined;
const report = (message: string): void => void process.stderr.write(`${message}\n`);
const quiet: Logger = { log: silent, trace: silent, debug: silent, info: silent, warn: report, error: report };
