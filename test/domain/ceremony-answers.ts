import type { CeremonyCommand } from '../../domain/ceremony-commands.js';
import type { CeremonyState } from '../../domain/ceremony-state.js';
import type { CeremonyEvent } from '../../domain/ceremony-event.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import type { Finding, Opened } from '../../domain/outcomes.js';
import * as scene from './scene.js';

export type Asked = CeremonyCommand['do'];
export const ASKED: readonly Asked[] = [
  'admit',
  'survey',
  'issue',
  'mark',
  'apply',
  'verify',
  'watch',
  'extend',
  'append',
  'audit',
  'rollback',
  'check_absent',
  'end_sessions',
  'kill_action',
];

const FINDINGS: readonly Finding['code'][] = [
  'foreign_change',
  'unexpected_target_detected',
  'foreign_assignment',
  'ends_later_than_intended',
  'provider_ended_early',
];

const findings = (how: number): Finding[] => {
  const code = FINDINGS[how % 11];
  return code === undefined ? [] : [{ code, detail: `detail ${how % 3}` }];
};

/**
 * One answer that the role asked for `asked` could give; `how` picks among all of them, 0 being the one hoped for. The
 * answer is well formed, as the schemas of the outcomes demand, and otherwise need not fit the state at all.
 */
export function answer(asked: Asked, how: number, state: CeremonyState, opened: Opened, now: number): CeremonyEvent {
  const at = instant(now);
  const refused = { outcome: 'refused' as const, code: 'no', message: 'no' };
  const round = state.reseal?.round ?? 1;
  const intent = scene.intentUntil(now + opened.request.duration_seconds * 1000 - (how % 7) * 7 * scene.MINUTE, {
    end_sessions: opened.request.effect.end_sessions,
    ...(how % 4 >= 2 ? { on_kill: scene.ON_KILL } : {}),
  });
  switch (asked) {
    case 'admit': {
      if (how % 12 === 11) return { type: 'admitted', outcome: { ...refused, at } };
      const rest = { at, opened, extra_approvers: how % 7 === 6 ? 1 : 0, escalated: how % 5 === 4 };
      return { type: 'admitted', outcome: { outcome: 'admitted', ...rest, receipt: scene.receipt('request') } };
    }
    case 'survey': {
      const receipt = scene.receipt('surveyed');
      const survey = { holders: [], principal_assignments: [] };
      return {
        type: 'surveyed',
        outcome: how % 12 === 11 ? { ...refused, receipt } : { outcome: 'surveyed', survey, receipt },
      };
    }
    case 'deliveries': {
      const digests = (state.held ?? []).map(({ checked }) => checked.digest);
      const people = how % 3 === 2 ? [] : ['bob', 'carol', 'dave'];
      const about = { request_digest: opened.request_digest, round: 1, extension_digest: null };
      const delivered = { ...about, receipt: scene.receipt('delivered'), people, at: instant(now - 1) };
      return { type: 'delivered', digests, deliveries: people.length === 0 ? [] : [delivered] };
    }
    case 'issue': {
      if (how % 6 === 4) return { type: 'issued', outcome: { ...refused, standing: null, standing_receipt: null } };
      if (how % 6 === 5)
        return { type: 'issued', outcome: { ...refused, standing: intent, standing_receipt: scene.receipt('intent') } };
      const receipt = scene.receipt('intent');
      const warrant = how % 7 === 6 ? null : `warrant ${how}`;
      const signed = how % 2 === 0 ? (state.signed ?? intent) : intent;
      return { type: 'issued', outcome: { outcome: 'issued', signed, reissued: how % 6 === 3, receipt, warrant } };
    }
    case 'mark': {
      const standing = how % 3 === 2 ? state.signed : how % 3 === 1 ? intent : null;
      const standing_receipt = standing === null ? null : scene.receipt('intent');
      return { type: 'marked', standing, standing_receipt, receipt: scene.receipt('end_mark') };
    }
    case 'apply': {
      if (how % 4 === 3) return { type: 'applied', outcome: { outcome: 'warrant_expired', at } };
      if (how % 5 >= 3) {
        const receipt = scene.receipt('not_granted');
        return { type: 'applied', outcome: { ...refused, clean: how % 5 === 3, receipt } };
      }
      const deadMan = state.signed?.intent.dead_man ?? at;
      const ends_at = how % 13 === 12 ? null : how % 13 === 11 ? instant(epochMs(deadMan) + 1) : deadMan;
      const said = { provider_request_id: 'r', provider_status: 'Granted', adopted: how % 2 === 1 };
      return {
        type: 'applied',
        outcome: { outcome: 'granted', ...said, ends_at, receipt: scene.receipt('granted') },
      };
    }
    case 'verify': {
      if (how % 5 === 4) return { type: 'verify_overdue' };
      const ends_at = state.signed?.intent.dead_man ?? null;
      const seen = { ends_at, findings: how === 0 ? [] : findings(how + 4), receipt: scene.receipt('verified') };
      return { type: 'verified', outcome: { outcome: 'present', ...seen } };
    }
    case 'watch': {
      const found = findings(how);
      const told = found.length > 0 ? found : [{ code: 'foreign_change' as const, detail: `change ${how}` }];
      return { type: 'watched', outcome: { findings: told, holders: [] } };
    }
    case 'extend':
      return extending(how, state, now);
    case 'append': {
      const waiting = state.outbox.map(({ transition }) => transition);
      const held = state.sent?.map(({ transition }) => transition) ?? [];
      if (how % 7 === 5) return { type: 'appended', transitions: waiting, refused: waiting.slice(how % 3) };
      if (how % 7 === 6) return { type: 'appended', transitions: [], missing: held.slice(how % 5) };
      return { type: 'appended', transitions: how % 4 === 3 ? waiting.slice(how % 3) : waiting };
    }
    case 'audit': {
      const receipt = scene.receipt('audited');
      return { type: 'audited', outcome: how % 3 === 2 ? 'missing' : 'audited', at, receipt };
    }
    case 'rollback': {
      const receipt = scene.receipt(`removal/${round}`);
      if (how % 11 === 10) return { type: 'rolled_back', round, outcome: { outcome: 'not_authentic', at } };
      if (how % 5 === 3)
        return {
          type: 'rolled_back',
          round,
          outcome: { outcome: 'nothing_seen', at, findings: findings(how), receipt },
        };
      if (how % 5 === 4) {
        const retry_at = instant(now + ((how % 4) - 1) * 2 * scene.MINUTE);
        return { type: 'rolled_back', round, outcome: { outcome: 'too_short', at, retry_at, receipt } };
      }
      const word = how % 5 === 2 ? 'gone' : 'revoked';
      return { type: 'rolled_back', round, outcome: { outcome: 'removed', word, at, receipt } };
    }
    case 'check_absent': {
      if (how % 11 === 10) return { type: 'absence', round, outcome: { outcome: 'not_authentic', at } };
      if (how % 4 === 3)
        return {
          type: 'absence',
          round,
          outcome: { outcome: 'present', at, receipt: scene.receipt(`reappeared/${round}`) },
        };
      const seen = { observed_at: at, confirmed_at: at, findings: how === 0 ? [] : findings(how) };
      return { type: 'absence', round, outcome: { outcome: 'absent', ...seen, receipt: scene.receipt('confirmed') } };
    }
    case 'end_sessions':
      return { type: 'sessions_ended', at, receipt: scene.receipt('sessions_ended') };
    case 'kill_action': {
      const pending = state.kill?.actions.filter(({ result }) => result === null) ?? [];
      const key = pending[how % Math.max(1, pending.length)]?.key ?? 'rotate/0';
      const said = how % 3 === 2 ? { result: 'refused' as const, code: 'no' } : { result: 'done' as const, code: null };
      return { type: 'kill_acted', key: `kill/${key}`, outcome: { ...said, at, receipt: scene.receipt(key) } };
    }
  }
}

/** An answer to whatever step the extension is at, or, for one that nobody asked for, to some step of some round. */
function extending(how: number, state: CeremonyState, now: number): CeremonyEvent {
  const { extension, signed } = state;
  const steps = ['issuing', 'updating', 'verifying'] as const;
  const at = instant(now);
  const asked = steps.find((step) => step === extension?.step) ?? steps[how % 3] ?? 'issuing';
  const round = how % 17 === 16 ? 3 : (extension?.round ?? 2);
  const deadline = extension?.deadline ?? at;
  const dead_man = instant(epochMs(deadline) + 10 * scene.MINUTE);
  const refused = { outcome: 'refused' as const, code: 'no', message: 'no' };
  const intent = { ...(signed ?? scene.intentUntil(now)).intent, round: Math.max(2, round), deadline, dead_man };
  if (asked === 'issuing') {
    const none = { standing: signed, standing_receipt: null };
    if (how % 5 === 4) return { type: 'extension_issued', round, outcome: { ...refused, ...none } };
    const made = extension?.signed ?? { intent, envelope: scene.receipt('extension').envelope };
    const said = { signed: how % 7 === 6 ? { ...made, intent: { ...intent, end_sessions: how % 2 === 0 } } : made };
    const receipt = scene.receipt(`extension/${round}`);
    const rest = { reissued: how % 3 === 2, warrant: `warrant ${how}`, receipt };
    return { type: 'extension_issued', round, outcome: { outcome: 'issued', ...said, ...rest } };
  }
  if (asked === 'updating') {
    if (how % 4 === 3) return { type: 'extension_applied', round, outcome: { outcome: 'warrant_expired', at } };
    const receipt = scene.receipt(`${how % 5 >= 3 ? 'not_extended' : 'extended'}/${round}`);
    if (how % 5 >= 3)
      return { type: 'extension_applied', round, outcome: { ...refused, clean: how % 5 === 3, receipt } };
    const ends_at = how % 13 === 12 ? instant(epochMs(dead_man) + 1) : dead_man;
    const rest = { provider_request_id: 'u', provider_status: 'Provisioned', adopted: how % 2 === 1, receipt };
    return { type: 'extension_applied', round, outcome: { outcome: 'granted', ends_at, ...rest } };
  }
  const seen = { ends_at: dead_man, findings: how % 4 === 0 ? [] : findings(how) };
  const receipt = scene.receipt(`verified/${round}`);
  return { type: 'extension_verified', round, outcome: { outcome: 'present', ...seen, receipt } };
}
