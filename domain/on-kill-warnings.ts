import { ON_KILL_TRIGGERS } from './on-kill.js';
import type { Policy } from './policy.js';
import type { PolicyWarning } from './policy-warning.js';

/** Kill switches that also go off when nothing is wrong: a timebox that simply ends is a trigger too. */
export const onKillWarnings = ({ profiles }: Policy): PolicyWarning[] =>
  Object.entries(profiles).flatMap(([name, { on_kill }]): PolicyWarning[] => {
    const { triggers = ON_KILL_TRIGGERS, rotate, disable_account } = on_kill ?? {};
    const drastic = [
      ...(rotate === undefined ? [] : ['rotates credentials']),
      ...(disable_account === true ? ["disables the principal's account"] : []),
    ];
    if (drastic.length === 0 || !triggers.includes('timebox_expired')) return [];
    const message = `${drastic.join(' and ')} also when the timebox simply ends: name the triggers that are meant`;
    return [{ code: 'on_kill_at_every_deadline', path: ['profiles', name, 'on_kill', 'triggers'], message }];
  });
