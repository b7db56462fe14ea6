import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { incidentReportWorkflowId } from '../../../domain/incidents/incident-id.js';
import type { IncidentClass } from '../../../domain/incidents/classes.js';
import type { IncidentReport } from '../../../domain/incidents/incident.js';
import { recordedEventSchema } from '../../../domain/incidents/tasks.js';
import { ROLES, TASK_QUEUES, type Role } from '../../../domain/roles.js';
import { readRoleContext } from '../../../workers/role-context.js';
import { startRoles } from '../../../workers/start-roles.js';
import { workerFile } from '../stack/worker-settings.js';
import { BenchStack } from './bench-stack.js';
import { ChildWorker } from './child-worker.js';

/** They look at hosts: they are started when the fleet is written down. */
const LOOKING: readonly Role[] = ['effect:containment', 'verifier'];
/** What one reporter opens at most stays below the register's limit for a minute. */
const OPENED_BY_ONE = 20;

export const hostNameOf = (index: number): string => `host-${String(index).padStart(4, '0')}`;

/** A stack with many hosts, all of them the one simulated machine by other names, and a ceremonies worker of its own process. */
export class Fleet {
  private reported = 0;

  private constructor(
    readonly world: BenchStack,
    /** Plays `ceremonies` alone, as in production. */
    readonly worker: ChildWorker,
    private readonly stops: readonly (() => Promise<unknown>)[],
  ) {}

  static async start(hosts: number): Promise<Fleet> {
    const roles = ROLES.filter((role) => role !== 'ceremonies' && !LOOKING.includes(role));
    const world = await BenchStack.start({ profiles: 1, roles, host: { ports: 'free' } });
    const stops: (() => Promise<unknown>)[] = [() => world.stop()];
    try {
      const { stack } = world;
      for (const file of [stack.host?.files.containment, stack.host?.files.verifier]) await multiply(file ?? '', hosts);
      const settings = { ...stack.settings, roles: [...LOOKING] };
      const looking = await startRoles(await readRoleContext(settings, stack.database, () => undefined));
      stops.unshift(() => looking.stop());
      const config = workerFile(stack.layout, 'ceremonies');
      const worker = await ChildWorker.start('client/cli/main.js', [
        ...['worker', '--roles', 'ceremonies'],
        ...['--config', config],
      ]);
      stops.unshift(() => worker.end());
      return new Fleet(world, worker, stops);
    } catch (error) {
      for (const stop of stops) await stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) await stop();
  }

  /** Opens an incident on each of the next `count` hosts, and resolves with their ids. */
  async open(count: number, classOf: (index: number) => IncidentClass): Promise<string[]> {
    const indexes = Array.from({ length: count }, () => this.reported++);
    return Promise.all(indexes.map((index) => this.report(index, classOf(index))));
  }

  private async report(index: number, incidentClass: IncidentClass): Promise<string> {
    const report: IncidentReport = {
      report_id: randomBytes(8).toString('hex'),
      class: incidentClass,
      source: 'bench',
      description: 'one of many, as long as what a sensor says of what it has seen',
      evidence: { rule: 'R-1042', path: '/usr/bin/agent' },
      host: hostNameOf(index),
      reporter: `sensor-${Math.floor(index / OPENED_BY_ONE)}`,
    };
    const answer: unknown = await this.world.stack.client.workflow.execute('reportIncident', {
      workflowId: incidentReportWorkflowId(report.report_id),
      taskQueue: TASK_QUEUES.ceremonies,
      args: [report],
    });
    const recorded = recordedEventSchema.parse(answer);
    if (recorded.outcome === 'recorded') return recorded.incident_id;
    throw new Error(`${recorded.code}: ${recorded.message}`);
  }
}

/** The file's one host under as many names as it takes. */
async function multiply(file: string, hosts: number): Promise<void> {
  const { schema, hosts: known } = parse(await readFile(file, 'utf8')) as { schema: string; hosts: object };
  const [host] = Object.values(known) as [object];
  const names = Array.from({ length: hosts }, (_none, index) => [hostNameOf(index), host] as const);
  // Aliases would make of it one host again, for a reader that counts them.
  await writeFile(file, stringify({ schema, hosts: Object.fromEntries(names) }, { aliasDuplicateObjects: false }));
}
