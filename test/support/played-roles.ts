import { ROLES, type Role } from '../../domain/roles.js';
import { readRoleContext } from '../../workers/role-context.js';
import { startRoles, type RunningRoles } from '../../workers/start-roles.js';
import type { CeremonyStack } from './ceremony-stack.js';

/** The roles of a stack that was started with none, each played or not: what nobody plays can be answered by somebody else. */
export class PlayedRoles {
  private readonly running = new Map<Role, RunningRoles>();

  constructor(private readonly stack: CeremonyStack) {}

  /** Plays these roles and no others from here on. */
  async only(...roles: Role[]): Promise<void> {
    for (const [role, one] of this.running) {
      if (roles.includes(role)) continue;
      await one.stop();
      this.running.delete(role);
    }
    for (const role of roles.filter((one) => !this.running.has(one))) {
      const settings = { ...this.stack.stack.settings, roles: [role] };
      const context = await readRoleContext(settings, this.stack.stack.database, () => undefined);
      this.running.set(role, await startRoles(context));
    }
  }

  allBut(...roles: Role[]): Promise<void> {
    return this.only(...ROLES.filter((role) => !roles.includes(role)));
  }

  async stop(): Promise<void> {
    await this.only();
  }
}
