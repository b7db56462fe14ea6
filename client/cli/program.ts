import { Command } from 'commander';
import { approvalCommands } from './commands/approvals.js';
import { attestAgentCommand } from './commands/attest-agent.js';
import { auditCommands } from './commands/audit.js';
import { breakglassCommands } from './commands/breakglass.js';
import { examples, type Run } from './commands/command-context.js';
import { completionCommands } from './commands/completion.js';
import { configCommands } from './commands/config.js';
import { contractCommands } from './commands/contract.js';
import { databaseCommands } from './commands/database.js';
import { decideCommand } from './commands/decide.js';
import { devCommands } from './commands/dev.js';
import { doctorCommand } from './commands/doctor.js';
import { evidenceCommands } from './commands/evidence.js';
import { execCommands } from './commands/exec.js';
import { incidentCommands } from './commands/incident.js';
import { policyCommands } from './commands/policy.js';
import { statusCommand } from './commands/status.js';
import { sweepCommands } from './commands/sweep.js';
import { tpmCommands } from './commands/tpm.js';
import { workerCommands } from './commands/worker.js';

const EXIT_STATUS = `
Exit status:
  0 done                          5 expired
  1 internal                      6 cannot reach
  2 usage                         7 verification failed
  3 refused by policy or limit    8 rollback not yet confirmed
  4 denied or not your right
`;

/** The commands as commander knows them. Nothing heavier than commander may be imported here: help must be quick. */
export function resealProgram(version: string, run: Run): Command {
  const program = new Command('reseal')
    .description('Break the glass, and prove it was resealed.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('--as <upn>', 'who acts (RESEAL_AS)')
    .option('--key <path>', 'with which SSH key; the agent is asked when it holds it (RESEAL_KEY)')
    .option('--gateway <url>', 'where the gateway is (RESEAL_GATEWAY_URL)')
    .option('--direct', 'speak to Temporal itself, for the day the gateway is down')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .option('--no-input', 'never ask anything')
    .option('--no-color', 'no colour (NO_COLOR)')
    .option('--quiet', 'say nothing on the way')
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for help)')
    .addHelpText(
      'after',
      EXIT_STATUS +
        examples(
          'reseal dev',
          'reseal breakglass --profile security-admin --reason-code incident \\\n      --justification "Contain the mailbox rule of INC-4711" --as alice',
          'reseal approve 5f1c9a7be2d04386 --as bob',
          'reseal breakglass watch 5f1c9a7be2d04386',
        ),
    );
  // Options of the program are taken wherever they stand: a command that takes several keys asks for all of them.
  const keys: string[] = [];
  program.on('option:key', (path: string) => {
    keys.push(path);
    program.setOptionValue('keys', keys);
  });
  breakglassCommands(program, run);
  approvalCommands(program, run);
  statusCommand(program, run);
  policyCommands(program, run);
  contractCommands(program, run);
  decideCommand(program, run);
  execCommands(program, run);
  evidenceCommands(program, run);
  auditCommands(program, run);
  sweepCommands(program, run);
  incidentCommands(program, run);
  tpmCommands(program, run);
  attestAgentCommand(program, run);
  doctorCommand(program, run);
  configCommands(program, run);
  completionCommands(program, run);
  devCommands(program, run);
  workerCommands(program, run);
  databaseCommands(program, run);
  return program;
}
