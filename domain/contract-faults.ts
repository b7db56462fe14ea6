import { wantedApprovers, type Approvals } from './approvals.js';
import { MAX_ELEVATED_SECONDS, MIN_ELEVATED_APPROVERS, type Contract } from './contract.js';
import { toolsOfKind, type EffectKind } from './effects/effects.js';
import { formatDuration } from './duration.js';
import { contractActionsOf, type OnKillPolicy } from './on-kill.js';

/** What of a policy its contract section is judged against: no more than that, so that the policy's schema can ask. */
interface ContractedPolicy {
  timebox: { max: number };
  approvals?: Approvals | undefined;
  profiles: Record<
    string,
    {
      action: EffectKind;
      timebox?: { max: number } | undefined;
      approvals?: Approvals | undefined;
      on_kill?: OnKillPolicy | undefined;
    }
  >;
}

/** What a contract section says that the rest of the policy contradicts. `path` is within the policy. */
export function contractFaults(policy: ContractedPolicy, contract: Contract): { path: string[]; message: string }[] {
  const { tools_allowlist } = contract.execution;
  const kinds = [...new Set(Object.values(policy.profiles).map(({ action }) => action))];
  const missing = kinds.flatMap((kind) => requiredTools(kind)).filter((tool) => !tools_allowlist.includes(tool));
  const path = ['contract', 'execution', 'tools_allowlist'];
  const blind = missing.map((tool) => ({
    path,
    message: `${tool} is missing: without it nothing could be verified or taken back`,
  }));
  const perProfile = Object.entries(policy.profiles).flatMap(([name, profile]) => {
    const { max } = profile.timebox ?? policy.timebox;
    const approvals = profile.approvals ?? policy.approvals;
    const faults: { path: string[]; message: string }[] = [];
    if (contract.token_ttl > max)
      faults.push({
        path: ['contract', 'token_ttl'],
        message: `${formatDuration(contract.token_ttl)} is longer than profile ${name} lasts (${formatDuration(max)})`,
      });
    if (!contract.execution.elevated) return faults;
    for (const message of elevatedFaults(max, approvals)) faults.push({ path: ['profiles', name], message });
    return faults;
  });
  return [...blind, ...perProfile, ...killFaults(policy, contract)];
}

/** The words of `kill_switch.on_trigger` that are a profile's to say, in `on_kill`. */
const OF_A_PROFILE: ReadonlySet<string> = new Set([
  'end_sessions',
  'report_granted',
  'rotate_credentials',
  'disable_account',
]);

/** What a kill does stands in the contract, and what stands in the contract is done: whoever signs it signs to that. */
function killFaults({ profiles }: ContractedPolicy, { kill_switch }: Contract): { path: string[]; message: string }[] {
  const path = ['contract', 'kill_switch', 'on_trigger'];
  const faults: { path: string[]; message: string }[] = [];
  const done = new Set<string>();
  for (const [name, { on_kill }] of Object.entries(profiles))
    for (const action of on_kill === undefined ? [] : contractActionsOf(on_kill)) {
      if (!done.has(action) && !kill_switch.on_trigger.includes(action))
        faults.push({ path, message: `${action} is missing: the on_kill of profile ${name} does it` });
      done.add(action);
    }
  for (const action of kill_switch.on_trigger)
    if (OF_A_PROFILE.has(action) && !done.has(action))
      faults.push({
        path,
        message: `${action}: the on_kill of no profile does it: say it there, or leave it out here`,
      });
  return faults;
}

/** Without these a grant could be neither verified nor taken back: a contract that leaves one out is refused. */
const requiredTools = (kind: EffectKind): string[] => [toolsOfKind(kind).read, toolsOfKind(kind).remove];

/** Elevated execution takes a shorter window and a stricter quorum, in every profile. */
function elevatedFaults(max: number, approvals: Approvals | undefined): string[] {
  const faults: string[] = [];
  const complain = (message: string): void => void faults.push(`the contract is elevated: ${message}`);
  if (max > MAX_ELEVATED_SECONDS)
    complain(`timebox.max is ${formatDuration(max)}, and at most ${formatDuration(MAX_ELEVATED_SECONDS)} is allowed`);
  if (approvals === undefined) return faults;
  if (wantedApprovers(approvals) < MIN_ELEVATED_APPROVERS)
    complain(`${wantedApprovers(approvals)} approvers are wanted, and at least ${MIN_ELEVATED_APPROVERS} must be`);
  if (approvals.fallback !== undefined) complain('approvals.fallback lets fewer approvers do: leave it out');
  if (approvals.immediate !== undefined) complain('approvals.immediate asks nobody: leave it out');
  return faults;
}
