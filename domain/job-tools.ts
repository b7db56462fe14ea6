import { TOOLS } from './contract.js';
import { toolsOfKind, type EffectKind } from './effects/effects.js';
import { GROUP_TOOLS } from './effects/group-membership.js';
import type { KindTools } from './effects/kind.js';
import { ASSIGNMENT_TOOLS } from './effects/role-assignment.js';

/**
 * The tools that a job can call. Whatever else is asked for is refused and recorded. Those of Conditional Access are not
 * among them: what a ceremony does to a policy holds for everybody whom the policy is about, and is written as a whole.
 */
export const JOB_TOOLS = [
  TOOLS.read,
  TOOLS.write,
  TOOLS.remove,
  GROUP_TOOLS.read,
  GROUP_TOOLS.write,
  GROUP_TOOLS.remove,
  ASSIGNMENT_TOOLS.read,
  ASSIGNMENT_TOOLS.write,
  ASSIGNMENT_TOOLS.remove,
] as const;
export type JobTool = (typeof JOB_TOOLS)[number];
export const isJobTool = (tool: string): tool is JobTool => (JOB_TOOLS as readonly string[]).includes(tool);

/** In ceremonies of other kinds no job is let in, and no tool does anything. */
const KINDS_WITH_TOOLS = ['entra.directory_role', 'entra.group_membership', 'entra.role_assignment'] as const;
export const hasJobTools = (kind: EffectKind): boolean => (KINDS_WITH_TOOLS as readonly string[]).includes(kind);

const USES = ['read', 'write', 'remove'] as const satisfies readonly (keyof KindTools)[];

/** What a tool of a job is for; undefined for what is none. */
export const useOf = (tool: string): keyof KindTools | undefined =>
  USES.find((use) => KINDS_WITH_TOOLS.some((kind) => toolsOfKind(kind)[use] === tool));

/** A job's tool for this use in ceremonies of a kind; undefined where they have none. */
export function jobToolOf(kind: EffectKind, use: string): JobTool | undefined {
  const found = USES.find((one) => one === use);
  if (found === undefined) return undefined;
  const tool = toolsOfKind(kind)[found];
  return isJobTool(tool) ? tool : undefined;
}

/** The kind that a job's tool belongs to; undefined for what is none. */
export const kindOfTool = (tool: string): EffectKind | undefined =>
  KINDS_WITH_TOOLS.find((kind) => USES.some((use) => toolsOfKind(kind)[use] === tool));
