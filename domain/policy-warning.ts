/** What is legal in a policy and weak, or hardly meant. Stable: other tools may pick from these. */
export const POLICY_WARNINGS = [
  'quorum_of_one',
  'quorum_cannot_be_met',
  'tier0_software_keys',
  'tier0_not_said',
  'tier0_fallback',
  'tier0_standing',
  'immediate_profile',
  'delivery_by_one_channel',
  'delivery_of_no_extension',
  'no_dead_man',
  'nobody_told',
  'on_kill_at_every_deadline',
  'no_responders',
  'shortest_grace',
  'no_rules',
  'no_limits',
  'rule_never_matches',
  'group_of_nobody',
  'person_not_on_roster',
  'contract_long_lived',
  'contract_long_token',
  'contract_unknown_tool',
  'contract_grants_nothing',
  'contract_elevated',
  'contract_any_principal',
  'contract_wide_targets',
  'contract_leaves_out_profile',
] as const;
export type PolicyWarningCode = (typeof POLICY_WARNINGS)[number];

/** One of them, and the member of the policy that it is about. */
export interface PolicyWarning {
  code: PolicyWarningCode;
  path: PropertyKey[];
  message: string;
}
