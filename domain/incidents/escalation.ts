import type { IncidentClass } from './classes.js';
import { playOf, type Playbook } from './playbook.js';

/**
 * Whether the event at `atMs` makes its class critical or whatever the playbook says: it is, with those of the same class
 * and host in the window that ends with it, as many as the rule wants. `timesMs` are epoch ms, in any order, this event's
 * own among them. The window is half open: an event exactly `seconds` ago has left it.
 */
export function escalatesAt(
  playbook: Playbook,
  incidentClass: IncidentClass,
  timesMs: readonly number[],
  atMs: number,
): boolean {
  const rule = playOf(playbook, incidentClass).escalation;
  if (rule === undefined) return false;
  const since = atMs - rule.seconds * 1000;
  return timesMs.filter((ms) => ms > since && ms <= atMs).length >= rule.events;
}
