import { z } from 'zod';
import { policySchema } from './policy.js';

type Json = Record<string, unknown>;

/** What an editor shows beside each member. Keys are dotted paths; `*` stands for any name, and lists are passed through. */
const HELP: Readonly<Record<string, string>> = {
  version: 'always 1',
  name: 'how people call this policy',
  tenant_id: 'the Microsoft Entra tenant in which roles are granted; a profile may name another',
  approval_window: 'how long approvers have, from the request on (30m)',
  timebox: 'how long a role is held: default when nobody says otherwise, and max (30m, and 4h)',
  grace: 'how long after the deadline the directory ends the grant by itself if all of Reseal is dead: 5m to 15m (10m)',
  approvals: 'who must approve, in every profile that does not say so itself',
  responders: 'who may kill any ceremony, besides the people in it; empty means nobody',
  rules:
    'who may ask for what, when and why; the first that matches lets the request in; none at all lets everybody in',
  limits: 'how often; only what was granted counts',
  standing: 'who may have a session with no ceremony at all: for reseal decide, grants nothing in the directory',
  notices: 'which channels are told of what; their addresses are settings of the register',
  review_after: 'a review owed longer than this is overdue (24h)',
  profiles: 'what can be asked for',
  contract: 'makes this policy a work policy contract: one signed version of a series, valid for a time',
  'contract.series': 'with version it orders contracts; the highest valid version is in force',
  'contract.version': 'from 1 on; a lower one never comes back into force',
  'contract.token_ttl':
    "how long the warrant of a grant lives: 1m to 30m, and no longer than the shortest profile's max",
  'contract.no_renew_without_reapproval': 'always true',
  'contract.execution.runtime': 'what runs the ceremonies (declared, not enforced)',
  'contract.execution.tools_allowlist': 'full names; what is not here is refused; reading and removal must be here',
  'contract.execution.tools_denylist': 'full names; refused whatever else is said',
  'contract.execution.target_constraints': 'whom and what the tools may touch; an empty list is nobody and nothing',
  'contract.execution.target_constraints.allowed_principals':
    'object ids, user principal names of people on the roster, or "*" for everybody on the roster',
  'contract.execution.target_constraints.allowed_roles': 'ids of role templates',
  'contract.execution.target_constraints.allowed_groups': 'object ids of groups',
  'contract.execution.elevated':
    'jobs may run unconfined; takes a max of at most 1h and 3 approvers, with no fallback and no immediate (false)',
  'contract.network': 'how jobs call models (declared, not enforced)',
  'contract.kill_switch': 'what ends a ceremony by itself, and what is then done',
  'contract.audit.require_gateway_receipts': 'model calls have signed receipts (declared, not enforced)',
  'contract.audit.emit_proof_bundle': 'always true',
  'approvals.min_approvers': 'how many people; 0 only together with immediate',
  'approvals.approvers':
    'who may approve: group:<name> or person:<id>; empty means nobody but the groups that are required',
  'approvals.require': 'so many of each of these groups; one person counts once',
  'approvals.immediate': 'with min_approvers 0, in the approvals of one profile: who may have it with nobody asked',
  'approvals.fallback': 'fewer approvers suffice when nobody came, for a shorter grant; owes a review',
  'approvals.fallback.after': 'from when on, since the request was admitted',
  'approvals.fallback.min_approvers': 'how many of the approvers then suffice, of whatever group',
  'approvals.fallback.max': 'how long such a grant lasts at most',
  'approvals.delivery':
    'an approval counts only with a signed receipt that a channel had been given the notice asking that person before',
  'approvals.delivery.required': 'always true',
  'approvals.delivery.channels': 'whose word counts; left out: every channel in notices that hears of the request',
  'rules.name': 'refusals and the ledger name the rule by it',
  'rules.profiles': 'empty means all',
  'rules.allow': 'who may ask: group:<name> or person:<id>; empty means everybody on the roster',
  'rules.reason_codes': 'empty means all five',
  'rules.time': 'empty means any time',
  'rules.time.days': 'the days on which the window starts; empty means every day',
  'rules.time.from': '"22:00", by the clock of the zone',
  'rules.time.until': '"06:00"; not later than from means on the next day',
  'rules.time.zone': 'an IANA name, such as Europe/Berlin or UTC',
  'rules.max_duration': 'the longest that may be asked for by this rule',
  'limits.cooldown': 'between two grants of one person and profile',
  'limits.quota_window': 'how far back the numbers below count (24h)',
  'limits.max_per_user': 'grants of one person',
  'limits.max_per_profile': 'grants of one profile, whoever asked',
  'limits.escalation_threshold':
    'from so many grants of one person on, the next is flagged and told; it is never refused for it',
  'notices.channel': 'the name of a channel',
  'notices.events': 'empty means all',
  'profiles.*.description': 'for people',
  'profiles.*.action': 'what is granted',
  'profiles.*.role': 'a directory role, by the id of its template',
  'profiles.*.group': 'a group, by its object id; membership is given through PIM for Groups, ownership never',
  'profiles.*.scope': '/ for the tenant, or /administrativeUnits/<id>',
  'profiles.*.tier0': 'its holders can change who holds roles',
  'profiles.*.end_sessions': 'end the signed-in sessions of the principal together with the role (true)',
  'profiles.*.jobs': 'false: no job is let in; true: refused where there are no tools for a job',
  'profiles.*.on_kill': 'what is done besides the reseal when a ceremony is killed; left out: nothing',
  'profiles.*.on_kill.triggers': 'what counts as a kill; left out: all four',
  'profiles.*.on_kill.end_sessions': 'end the sessions of the principal, where end_sessions of the profile is false',
  'profiles.*.on_kill.halt_job':
    'runtimes of jobs that are told to halt them, by name; their addresses are settings of the register',
  'profiles.*.on_kill.report_granted': 'list what the principal granted to others meanwhile',
  'profiles.*.on_kill.rotate': 'credentials that get a new secret, which goes to a sink of the credentials role',
  'profiles.*.on_kill.disable_account': 'disable the account of the principal (false)',
  'profiles.*.on_kill.restore_account': 'let the approvers of the profile have that account enabled again (false)',
};

/** The JSON Schema (draft 2020-12) of a policy file as it is written, for editors. What only Reseal can judge it leaves to `lint`. */
export function policyJsonSchema(): Json {
  const schema = z.toJSONSchema(policySchema, { target: 'draft-2020-12', io: 'input' }) as Json;
  for (const [path, description] of Object.entries(HELP))
    for (const member of membersAt(schema, path.split('.'))) member['description'] = description;
  const { $schema, ...rest } = schema;
  return { $schema, title: 'Reseal policy', ...rest };
}

/** Of one that has variants: in each that has it. @throws {TypeError} naming a path that the schema does not have. */
function membersAt(schema: Json, path: readonly string[]): Json[] {
  let found: Json[] = [schema];
  for (const name of path) {
    const variants = found.flatMap((at): Json[] => {
      const list = (at['items'] ?? at) as Json;
      return (list['oneOf'] as Json[] | undefined) ?? [list];
    });
    found = variants.map((variant) => memberOf(variant, name)).filter((member) => member !== undefined);
  }
  if (found.length === 0) throw new TypeError(`the schema of policies has no ${path.join('.')}`);
  return found;
}

function memberOf(schema: Json, name: string): Json | undefined {
  const { properties, additionalProperties } = schema as { properties?: Json; additionalProperties?: Json };
  return (name === '*' ? additionalProperties : properties?.[name]) as Json | undefined;
}
