import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/**
 * Workers run the compiled workflow bundle: a tree that was changed since is built first. While somebody is in the middle
 * of a change the last good build serves; `npm test` itself does not get here with a tree that does not build.
 */
export function setup(): void {
  const { status } = spawnSync(process.execPath, [at('../../scripts/build.mjs'), '--if-stale'], { stdio: 'inherit' });
  if (status === 0) return;
  if (!existsSync(at('../../dist/.built'))) throw new Error('the build failed');
  process.stderr.write('the build failed: testing with the last good build\n');
}
