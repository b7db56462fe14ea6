import type { Contract } from './contract.js';
import { EFFECT_KINDS, toolsOf } from './effects/effects.js';
import { listText } from './list-text.js';

/** One thing that a contract says and nothing in Reseal enforces; `path` is within the contract section. */
export interface DeclaredOnly {
  path: string;
  message: string;
}

/** The tools that Reseal's own effects go by. */
export const ENFORCED_TOOLS: readonly string[] = EFFECT_KINDS.flatMap((kind) => toolsOf(kind));

/**
 * What a contract declares and nothing enforces, in the order of its members: printed wherever a contract is shown, so that
 * nobody relies on it. Whoever teaches Reseal to enforce one of these takes it out here.
 */
export function declaredOnly({ execution, network, kill_switch, audit }: Contract): DeclaredOnly[] {
  const { runtime, tools_allowlist, tools_denylist, elevated } = execution;
  const found: DeclaredOnly[] = [{ path: 'execution.runtime', message: `${runtime}: nothing checks what runs a job` }];
  const declare = (path: string, message: string): void => void found.push({ path, message });
  const isForeign = (tool: string): boolean => !ENFORCED_TOOLS.includes(tool);
  const [foreign, denied] = [tools_allowlist.filter(isForeign), tools_denylist.filter(isForeign)];
  if (foreign.length > 0)
    declare('execution.tools_allowlist', `${listText(foreign)}: Reseal has no such tool, and cannot offer it`);
  if (denied.length > 0)
    declare(
      'execution.tools_denylist',
      `${listText(denied)}: no tool of Reseal's; what else a machine runs is not confined`,
    );
  if (!elevated)
    declare('execution.elevated', 'a job is told to be confined on its machine; nothing looks whether it is');
  if (network !== undefined) declare('network.model_calls_must_use', 'model calls are not seen');
  if (network?.provider !== undefined) declare('network.provider', 'model calls are not seen');
  if (kill_switch.on_trigger.includes('halt_job'))
    declare(
      'kill_switch.on_trigger',
      'halt_job: `reseal exec` halts its command, and a runtime that on_kill names is told to; nothing halts another job',
    );
  if (audit.require_gateway_receipts)
    declare('audit.require_gateway_receipts', 'a call that names no receipt is listed in the bundle, and not refused');
  return found;
}

/** `declared, not enforced: execution.runtime: …`, a line each. */
export const declaredLines = (contract: Contract): string[] =>
  declaredOnly(contract).map(({ path, message }) => `declared, not enforced: contract.${path}: ${message}`);
