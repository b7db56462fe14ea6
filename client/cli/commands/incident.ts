import type { Command } from 'commander';
import type { IncidentActOptions } from '../actions/incident-act.js';
import type { IncidentListOptions } from '../actions/incident-read.js';
import type { IncidentExportOptions } from '../actions/incident-export.js';
import type { IncidentSayOptions } from '../actions/incident-say.js';
import type { IncidentReportOptions } from '../actions/incident-report.js';
import { examples, type Run } from './command-context.js';

const ID = 'INC-20260314-120000-0001';
const gathered = (value: string, before: string[] = []): string[] => [...before, value];

/** `reseal incident …`. */
export function incidentCommands(program: Command, run: Run): void {
  const incident = program
    .command('incident')
    .description('incidents: contain, acknowledge, re-attest, and only then trust again')
    .addHelpText('after', examples('reseal incident status', `reseal incident ack ${ID} --as bob`));
  readCommands(incident, run);
  actCommands(incident, run);
  fileCommands(incident, run);
}

function readCommands(incident: Command, run: Run): void {
  incident
    .command('list')
    .description('incidents, the newest first')
    .option('--state <incident-state>', 'open, contained, containment_failed or resolved')
    .option('--class <incident-class>', 'of this class')
    .option('--severity <severity>', 'of this severity')
    .option('--open', 'only those that are not resolved')
    .option('--limit <n>', 'at most so many (50)')
    .option('--watch', 'go on: drawn again on a terminal, one line a change elsewhere')
    .addHelpText('after', examples('reseal incident list --open', 'reseal incident list --state contained -o json'))
    .action((options: IncidentListOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/incident-read.js')).listIncidents(session, options)),
    );
  incident
    .command('get')
    .argument('[incident]', 'incident id; on a terminal you can pick one')
    .description('everything about one incident')
    .addHelpText('after', examples(`reseal incident get ${ID}`))
    .action((id: string | undefined, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/incident-read.js')).getIncident(session, id)),
    );
  incident
    .command('status')
    .description('what is open, and what each incident waits for')
    .addHelpText('after', examples('reseal incident status', 'reseal incident status -o json'))
    .action((_options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/incident-read.js')).incidentStatus(session)),
    );
  incident
    .command('stats')
    .description('how many incidents there were and are')
    .addHelpText('after', examples('reseal incident stats -o json'))
    .action((_options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/incident-read.js')).incidentStats(session)),
    );
  incident
    .command('playbooks')
    .argument('[file]', 'a file to check, instead of what is in force')
    .description('what is done about each class of incident, and who may')
    .addHelpText('after', examples('reseal incident playbooks', 'reseal incident playbooks playbooks.yaml -o json'))
    .action((file: string | undefined, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/incident-playbooks.js')).showPlaybooks(session, file)),
    );
  incident
    .command('watch')
    .argument('[incident]', 'incident id; on a terminal you can pick one')
    .description('follow an incident until it is resolved, one line a change')
    .option('--timeout <time>', 'no longer than this; exit status 6 then')
    .addHelpText('after', examples(`reseal incident watch ${ID}`, `reseal incident watch ${ID} -o json`))
    .action((id: string | undefined, options: { timeout?: string }, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/incident-read.js')).watchIncident(session, id, options),
      ),
    );
}

const SPOKEN = {
  acknowledge: ['ack', 'sign that you know the cause of this containment and answer for the recovery'],
  resolve: ['resolve', 'end an incident: refused with what is missing, else released and checked; exit status 3 or 0'],
} as const;
const TOKEN = ['--token-file <file>', 'the bearer token (RESEAL_TOKEN_FILE)'] as const;

function actCommands(incident: Command, run: Run): void {
  for (const act of ['acknowledge', 'resolve'] as const) {
    const [name, description] = SPOKEN[act];
    spoken(incident.command(name).argument('[incident]', 'incident id; on a terminal you can pick one'))
      .description(description)
      .addHelpText('after', examples(`reseal incident ${name} ${ID} --as bob`))
      .action((id: string | undefined, options: IncidentActOptions, command: Command) =>
        run(command, async (session) =>
          (await import('../actions/incident-act.js')).speakOfIncident(session, act, id, options),
        ),
      );
  }
  baselineCommands(incident, run);
  incident
    .command('reattest')
    .argument('[incident]', 'incident id; on a terminal you can pick one')
    .description("have the host's TPM asked; exit status 7 when the evidence is refused, 6 while the host is away")
    .option(...TOKEN)
    .option('--timeout <time>', 'wait no longer than this for the verdict (2m)')
    .addHelpText('after', examples(`reseal incident reattest ${ID}`))
    .action((id: string | undefined, options: IncidentActOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/incident-act.js')).reattestIncident(session, id, options),
      ),
    );
  incident
    .command('report')
    .description('report an event as a sensor would: it opens an incident, or counts in the open one')
    .option('--class <incident-class>', 'such as integrity_violation')
    .option('--source <name>', 'who noticed (operator)')
    .option('--description <text>', 'what was noticed')
    .option('--evidence <name=value>', 'such as path=/etc/passwd; again for more', gathered)
    .option('--host <host>', 'on which host; what will be contained')
    .option('--severity <severity>', "only worse than the playbook's counts")
    .option(...TOKEN)
    .addHelpText(
      'after',
      examples('reseal incident report --class integrity_violation --host edge-1 --evidence path=/usr/bin/agent'),
    )
    .action((options: IncidentReportOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/incident-report.js')).reportIncident(session, options)),
    );
}

/** The options of what is signed and sent. */
const spoken = (command: Command): Command =>
  command
    .option('--note <text>', 'what you found, for the ledger')
    .option('--yes', 'do not ask; without a terminal nobody is asked')
    .option('--timeout <time>', 'wait no longer than this for the answer (60s)');

function baselineCommands(incident: Command, run: Run): void {
  spoken(incident.command('artifact').argument('<incident>', 'incident id').argument('<file>', 'what is vouched for'))
    .description('sign the digest of what the playbook demands: an authorised baseline update, a verified manifest')
    .option('--kind <artifact-kind>', 'baseline_update or manifest')
    .addHelpText('after', examples(`reseal incident artifact ${ID} --kind baseline_update baseline.json --as bob`))
    .action((id: string, file: string, options: IncidentSayOptions & { kind?: string }, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/incident-artifact.js')).signArtifact(session, id, file, options),
      ),
    );
  spoken(
    incident
      .command('accept-baseline')
      .argument('<incident>', 'incident id')
      .argument('<reference>', "file of the host's reference"),
  )
    .description('sign that a reference newer than the containment counts; who acknowledged does not count')
    .addHelpText('after', examples(`reseal incident accept-baseline ${ID} references/edge-1.2.json --as carol`))
    .action((id: string, file: string, options: IncidentSayOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/incident-baseline.js')).acceptBaseline(session, id, file, options),
      ),
    );
  spoken(incident.command('waive-baseline').argument('[incident]', 'incident id; on a terminal you can pick one'))
    .description('sign that a host may be judged with no quote to count resets from; who acknowledged does not count')
    .addHelpText('after', examples(`reseal incident waive-baseline ${ID} --as carol`))
    .action((id: string | undefined, options: IncidentSayOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/incident-baseline.js')).waiveBaseline(session, id, options),
      ),
    );
}

function fileCommands(incident: Command, run: Run): void {
  incident
    .command('export')
    .argument('[incident]', 'incident id; without one all incidents, as SecAI OS exports them')
    .description('write the evidence bundle of a resolved incident, or all incidents in a forensic bundle')
    .option('--out <file>', 'where to write it; - is standard output')
    .option('--forensic', 'all incidents, as SecAI OS exports them')
    .option('--force', 'overwrite the file')
    .option(...TOKEN)
    .addHelpText(
      'after',
      examples(
        `reseal incident export ${ID} --out incident.json`,
        'reseal incident export --forensic --out forensic-bundle.json',
      ),
    )
    .action((id: string | undefined, options: IncidentExportOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/incident-export.js')).exportIncidents(session, id, options),
      ),
    );
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
