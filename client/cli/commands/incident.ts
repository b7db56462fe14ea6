import type { Command } from 'commander';
import { examples, type Run } from './command-context.js';

/** `reseal incident …`. */
export function incidentCommands(program: Command, run: Run): void {
  const incident = program
    .command('incident')
    .description('incidents: contain, acknowledge, re-attest, and only then trust again')
    .addHelpText('after', examples('reseal incident verify-export forensic-bundle.json --key forensic.key'));
  incident
    .command('verify-export')
    .argument('<file>', 'forensic bundle')
    .description('verify a forensic bundle of this or of SecAI OS; exit status 7 when anything is wrong')
    .addHelpText(
      'after',
      '\n--key names the file with the HMAC key: 64 hex characters.\n' +
        examples('reseal incident verify-export forensic-bundle.json --key forensic.key'),
    )
    .action((file: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/incident-verify-export.js')).verifyExport(session, file),
      ),
    );
}
