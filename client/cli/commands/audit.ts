import type { Command } from 'commander';
import type { ExportOptions, ImportOptions, TailOptions, VerifyOptions } from '../audit-options.js';
import { examples, type Run } from './command-context.js';

const FORMATS = `
Formats: reseal, our own lines as the register signed them; sentinel, the lines of Sentinel's signed audit log, for which
each of ours is verified first.
`;

/** `reseal audit tail|export|verify|import|event|attempts`. */
export function auditCommands(program: Command, run: Run): void {
  const audit = program
    .command('audit')
    .description('the audit log of all ceremonies: read, export, verify, import')
    .addHelpText(
      'after',
      examples('reseal audit tail -f', 'reseal audit export --out audit.jsonl', 'reseal audit verify audit.jsonl'),
    );
  reading(audit, run);
  checking(audit, run);
}

function reading(audit: Command, run: Run): void {
  withKey(audit.command('tail'))
    .description('the last lines of the log, unverified; with --format as they are exported')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .option('-n, --lines <n>', 'so many of the last lines first', '20')
    .option('--format <format>', 'reseal or sentinel, one signed line each')
    .option('--trust <file>', 'trust roots, for --format sentinel (the configured ones)')
    .addHelpText('after', FORMATS + examples('reseal audit tail -f', 'reseal audit tail -n 100 -o json'))
    .action((options: TailOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/audit-tail.js')).tailAudit(session, options)),
    );
  withKey(audit.command('export'))
    .description('write the log to a file, one signed line each')
    .option('--format <format>', 'reseal or sentinel', 'reseal')
    .option('--out <file>', 'where to write it; - is standard output')
    .option('--since <time>', 'from here on: 24h, 7d, or a time')
    .option('--until <time>', 'up to here')
    .option('--trust <file>', 'trust roots, for --format sentinel (the configured ones)')
    .option('--force', 'overwrite the file')
    .addHelpText(
      'after',
      FORMATS +
        examples(
          'reseal audit export --out audit.jsonl --since 7d',
          'reseal audit export --format sentinel --key-file hmac.key --key-id key-2026-01 --out sentinel.jsonl',
        ),
    )
    .action((options: ExportOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/audit-export.js')).exportAudit(session, options)),
    );
  audit
    .command('event')
    .argument('<event>', 'event id')
    .description("a ceremony as Sentinel's break-glass event, in JSON")
    .addHelpText('after', examples('reseal audit event 5f1c9a7be2d04386'))
    .action((event: string, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/audit-event.js')).showSentinelEvent(session, event)),
    );
}

function checking(audit: Command, run: Run): void {
  withKey(audit.command('verify'))
    .argument('<file>', 'an exported log')
    .option('--trust <file>', 'trust roots, for our own lines (the configured ones)')
    .description('verify a file offline, ours or, with --key-file, one of Sentinel; exit status 7 when a line is wrong')
    .addHelpText(
      'after',
      examples(
        'reseal audit verify audit.jsonl --trust trust.json',
        'reseal audit verify sentinel.jsonl --key-file hmac.key -o json',
      ),
    )
    .action((file: string, options: VerifyOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/audit-verify.js')).verifyAudit(session, file, options)),
    );
  audit
    .command('attempts')
    .argument('<place>', 'a ledger of attempts, or a directory of them')
    .option('--trust <file>', 'trust roots (the configured ones)')
    .description('what roles were asked and refused, each line verified; exit status 7 when one is wrong')
    .addHelpText('after', examples('reseal audit attempts /var/lib/reseal/attempts --trust trust.json'))
    .action((place: string, options: { trust?: string }, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/audit-attempts.js')).showAttempts(session, place, options.trust),
      ),
    );
  withKey(audit.command('import'))
    .argument('<file>', "Sentinel's signed audit log")
    .option('--skip-invalid', 'import what verifies, and list the rest')
    .description(
      'take over the history of Sentinel: every line verifies, or nothing is imported and the exit status is 7',
    )
    .addHelpText('after', examples('reseal audit import sentinel.jsonl --key-file hmac.key --key-id key-2026-01'))
    .action((file: string, options: ImportOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/audit-import.js')).importAudit(session, file, options)),
    );
}

const withKey = (command: Command): Command =>
  command
    .option('--key-file <file>', "the HMAC secret of Sentinel's log, at least 32 bytes")
    .option('--key-id <id>', 'the name of that key in its lines');
