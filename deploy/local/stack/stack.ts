import type { Client, Connection } from '@temporalio/client';
import type { Database } from '../../../activities/register/database.js';
import type { Role } from '../../../domain/roles.js';
import type { JobRuntimeSettings, NoticeChannelSettings } from '../../../workers/notice-settings.js';
import type { Log } from '../../../workers/role-context.js';
import type { WorkerSettings } from '../../../workers/settings.js';
import type { SinkSettings } from '../../../workers/sink-settings.js';
import type { SimulatedHost } from '../host/start-host.js';
import type { DevJson } from './dev-json.js';
import type { Layout } from './layout.js';
import type { LocalPerson } from './local-world.js';
import type { PortWishes } from './ports.js';

export interface StackOptions {
  /** The folder that holds `.reseal/`. With `ephemeral`, only what others need to find the stack, and only while it runs. */
  dir: string;
  ephemeral?: boolean;
  ports?: PortWishes;
  /** PostgreSQL instead of the embedded database. */
  databaseUrl?: string | null;
  /** Roles to play in this process; the others are left to processes of their own. All of them when left out. */
  roles?: readonly Role[];
  people?: readonly LocalPerson[];
  /** Written where no policy file exists yet. */
  policyYaml?: string;
  /** More settings for Temporal's server, by name. */
  dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  reconcileSeconds?: number;
  /** How often the sweep runs by itself; by hand alone when left out. */
  sweepSeconds?: number;
  /** How often hosts that are enrolled are attested (60). */
  attestSeconds?: number;
  /** Whether a token’s word stands for a signed acknowledgement in recoveries (false). */
  compatAck?: boolean;
  /** A `reseal.playbooks.v1` file; the built-in playbook when left out. */
  playbooks?: string;
  /** The file that the gateway writes its decisions to; it writes none when left out. */
  decisionLog?: string;
  /** Channels for notices besides the stack's own inbox, which is called `inbox`. */
  noticeChannels?: NoticeChannelSettings;
  /** Runtimes that are told to halt jobs; none when left out. */
  jobRuntimes?: JobRuntimeSettings;
  /** Object ids that no ceremony may touch; none when left out. */
  protectedObjectIds?: readonly string[];
  /** Sinks for rotated credentials besides the stack's own directory, which is called `local`. */
  sinks?: Readonly<Record<string, SinkSettings>>;
  /** The table of tokens for the runbook's API; without one nobody has any, and this machine needs none. */
  runbookTokens?: string;
  /** A simulated host to contain, attest and release; none when left out. `usual` ports are the runbook's, where they are free. */
  host?: { ports: 'usual' | 'free' };
  log: Log;
  /** Aborted: the start ends as soon as the part that is being started can be stopped again, and rejects with the reason. */
  signal?: AbortSignal;
  /** Told what is being started, for a person who waits. */
  progress?: (step: string) => void;
}

/** A running stack: Temporal with its Web UI, the register, the gateway, the Graph simulator, the inbox for notices, and the roles. */
export interface Stack {
  layout: Layout;
  dev: DevJson;
  settings: WorkerSettings;
  /** Where one was asked for. */
  host: SimulatedHost | null;
  database: Database;
  connection: Connection;
  client: Client;
  /** Rejects when a part of the stack ended by itself. */
  failed: Promise<void>;
  /** Stops in order: gateway, roles (they drain), inbox, Graph, Temporal, database. May be called again. */
  stop(): Promise<void>;
}
