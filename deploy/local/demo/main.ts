import { runDemo } from './demo.js';

const keep = process.argv.includes('--keep');
const unknown = process.argv.slice(2).filter((word) => word !== '--keep');
if (unknown.length > 0) {
  process.stderr.write(`demo: ${unknown.join(' ')}: the only option is --keep, which leaves the stack running\n`);
  process.exit(2);
}
runDemo({ keep, dir: process.cwd() }).then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
