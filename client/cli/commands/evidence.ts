import type { Command } from 'commander';
import type { JudgedBy } from '../actions/verify-incident.js';
import { examples, type Run } from './command-context.js';

const gathered = (value: string, before: string[] = []): string[] => [...before, value];

/** `reseal ledger show|verify` and `reseal evidence export|verify`. */
export function evidenceCommands(program: Command, run: Run): void {
  const ledger = program.command('ledger').description("a ceremony's hash chain of signed entries");
  ledger
    .command('show')
    .argument('<event>', 'event id')
    .description('what the entries say, unverified')
    .addHelpText(
      'after',
      examples('reseal ledger show 5f1c9a7be2d04386', 'reseal ledger show 5f1c9a7be2d04386 -o json'),
    )
    .action((event: string, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/ledger.js')).showLedger(session, event)),
    );
  ledger
    .command('verify')
    .argument('<event>', 'event id')
    .option('--trust <file>', 'trust roots (the configured ones)')
    .description('order, hashes and signatures; exit status 7 when one is wrong')
    .addHelpText('after', examples('reseal ledger verify 5f1c9a7be2d04386 --trust trust.json'))
    .action((event: string, options: { trust?: string }, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/ledger.js')).verifyLedgerOf(session, event, options.trust),
      ),
    );
  const evidence = program.command('evidence').description('evidence bundles: export one, verify one offline');
  evidence
    .command('export')
    .argument('<event>', 'event id')
    .option('--out <file>', 'where to write it; - is standard output')
    .option('--force', 'overwrite the file')
    .description('write the bundle of a ceremony that has ended')
    .addHelpText('after', examples('reseal evidence export 5f1c9a7be2d04386 --out bundle.json'))
    .action((event: string, options: { out?: string; force?: boolean }, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/export-evidence.js')).exportEvidence(session, event, options),
      ),
    );
  evidence
    .command('verify')
    .argument('<file>', 'bundle')
    .option('--trust <file>', 'trust roots (the configured ones)')
    .option('--quorum <n>', 'of an incident: how many stand behind a newer or waived baseline (2)')
    .option('--playbooks <file>', 'of an incident: the playbook it was opened under; again for more', gathered)
    .option('--accept-bearer', "of an incident: a token's word stands for a signed acknowledgement")
    .description(
      'verify a bundle of a ceremony or an incident from the two files alone; exit status 7 when anything is wrong',
    )
    .addHelpText(
      'after',
      examples('reseal evidence verify bundle.json --trust trust.json', 'reseal evidence verify bundle.json -o json'),
    )
    .action((file: string, { trust, ...judged }: { trust?: string } & JudgedBy, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/verify-evidence.js')).verifyEvidence(session, file, trust, judged),
      ),
    );
}
