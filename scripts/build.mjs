// Builds dist/: the compiled product and the workflow bundle every worker runs. `--if-stale` builds only when a source is newer.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['domain', 'proofs', 'workflows', 'activities', 'workers', 'client', 'deploy'];
const stamp = path.join(root, 'dist', '.built');

function newest(directory) {
  let latest = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const full = path.join(directory, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(full) : statSync(full).mtimeMs);
  }
  return latest;
}

function isStale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const files = ['package.json', 'tsconfig.json', 'tsconfig.build.json'].map(
    (file) => statSync(path.join(root, file)).mtimeMs,
  );
  return Math.max(...files, ...SOURCES.map((folder) => newest(path.join(root, folder)))) > built;
}

if (process.argv.includes('--if-stale') && !isStale()) process.exit(0);

// Built beside and put in place whole, so that whatever runs from dist/ never sees half of it.
const started = Date.now();
const dist = path.join(root, 'dist');
const next = path.join(root, `dist.${process.pid}`);
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const compiled = spawnSync(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.build.json'), '--outDir', next], {
  stdio: 'inherit',
});
if (compiled.status !== 0) {
  rmSync(next, { recursive: true, force: true });
  process.exit(compiled.status ?? 1);
}
const { bundleWorkflows } = await import(pathToFileURL(path.join(next, 'workers', 'bundle-workflows.js')).href);
await bundleWorkflows(path.join(next, 'workflow-bundle.js'));
writeFileSync(path.join(next, '.built'), '');
rmSync(`${next}.old`, { recursive: true, force: true });
if (existsSync(dist)) renameSync(dist, `${next}.old`);
renameSync(next, dist);
rmSync(`${next}.old`, { recursive: true, force: true });
process.stderr.write(`built dist/ in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
