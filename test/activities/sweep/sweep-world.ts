import { expect } from 'vitest';

import { loopbackAccess } from '../../../activities/graph/wire/graph-access.js';
import { authorityKeyAmong } from '../../../activities/graph/effect-deps.js';
import { readKnownIntents } from '../../../activities/sweep/known-intents.js';
import { sweepOnce } from '../../../activities/sweep/sweep.js';
import type { SweepDeps } from '../../../activities/sweep/sweep-deps.js';
import { instant } from '../../../domain/identifiers.js';
import { SWEEP_PAYLOAD_TYPE, sweepReportSchema, type SweepReport } from '../../../domain/sweep.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { signDsse } from '../../../proofs/dsse.js';
import { signReceipt } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { EDITOR } from '../graph/access/access-world.js';
import { ASSIGNER } from '../graph/assignment/assignment-world.js';
import { BOB, READER, WRITER, type World } from '../graph/world.js';

export const SWEEPER = '55555555-0000-4000-8000-000000000005';
/** What the sweeper may do in Graph: remove, and read. */
export const SWEEPER_PERMISSIONS = [
  'RoleAssignmentSchedule.Remove.Directory',
  'RoleManagement.Read.Directory',
  'PrivilegedAssignmentSchedule.Remove.AzureADGroup',
  'PrivilegedAssignmentSchedule.Read.AzureADGroup',
];
export const UNMARKED = '66666666-0000-4000-8000-000000000006';
export const UNMARKED_PERMISSIONS = [
  'RoleManagement.ReadWrite.Directory',
  'Policy.Read.All',
  'Policy.ReadWrite.ConditionalAccess',
  'AuditLog.Read.All',
  'Directory.Read.All',
];
export const MINUTE = 60_000;

/** The sweeper in a world: with its identity, a key of its own, and the world's clock for waiting. */
export class Sweeping {
  readonly key = generateRoleKey();
  readonly logged: Record<string, unknown>[] = [];
  readonly waited: number[] = [];
  protectedIds = new Set<string>();
  groupIds: string[] = [];
  /** Where the authority's intents lie, once something without a mark is swept. */
  intentsPath: string | undefined;
  unmarkedPermissions = UNMARKED_PERMISSIONS;
  /** Called in each pause, before time moves. */
  inPause: () => Promise<void> = () => Promise.resolve();

  constructor(private readonly world: World) {}

  /** Moves the world's time on, and tells the tenant. */
  async pass(ms: number): Promise<void> {
    this.world.clock.advance(ms);
    await this.world.graph('GET', `/users/${BOB}`, READER);
  }

  deps(permissions = SWEEPER_PERMISSIONS): SweepDeps {
    const { world, key } = this;
    return {
      access: loopbackAccess({ application_id: SWEEPER, base_url: world.url, permissions, tells_time: false }),
      clock: world.clock,
      tenantIds: [world.tenant],
      groupIds: () => this.groupIds,
      ...this.unmarked(),
      writerIds: () => new Set([WRITER]),
      authorityKeys: world.authorityKeys,
      protectedIds: this.protectedIds,
      signer: {
        entry: (payload) => signReceipt(payload, key),
        report: (report) =>
          signDsse({ payloadType: SWEEP_PAYLOAD_TYPE, payload: Buffer.from(canonicalJson(report)), key }),
      },
      log: (_, fields) => this.logged.push(fields),
      pause: async (ms) => {
        this.waited.push(ms);
        await this.inPause();
        await this.pass(ms);
      },
    };
  }

  private unmarked(): Pick<SweepDeps, 'intents' | 'unmarked'> {
    const { world, intentsPath: place, unmarkedPermissions: permissions } = this;
    if (place === undefined) return {};
    return {
      intents: () => readKnownIntents(place, authorityKeyAmong(world.authorityKeys)),
      unmarked: {
        access: loopbackAccess({ application_id: UNMARKED, base_url: world.url, permissions, tells_time: false }),
        tenantIds: [world.tenant],
        assignmentWriterIds: new Set([ASSIGNER]),
        accessWriterIds: new Set([EDITOR]),
      },
    };
  }

  async run(mode: 'sweep' | 'look' = 'sweep', deps = this.deps()): Promise<SweepReport> {
    await this.pass(0);
    const report = await sweepOnce(deps, { mode, signal: new AbortController().signal });
    expect(sweepReportSchema.parse(report)).toEqual(report);
    return report;
  }

  codes(): unknown[] {
    return this.logged.map(({ code }) => code);
  }

  get now(): string {
    return instant(this.world.clock.now());
  }
}
