import { fileURLToPath } from 'node:url';

/**
 * The compiled file at `relative` (to dist/), whether this module runs compiled or as source under the test runner: the
 * worker loads converters and the workflow bundle by path, and takes compiled files only.
 */
export function compiledPath(relative: string): string {
  const dist = import.meta.url.endsWith('.ts') ? '../dist/' : '../';
  return fileURLToPath(new URL(dist + relative, import.meta.url));
}
