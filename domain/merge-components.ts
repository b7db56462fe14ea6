import type { Component, MeasuredEvent } from './component-policy.js';

/** Who takes responsibility for what is seen now. */
export interface AcceptedNow {
  label: string;
  accepted_by: string[];
  /** RFC 3339 UTC. */
  accepted_at: string;
}

const MAX_LABEL = 200;

/**
 * The components of a PCR with what is measured now among them; what was allowed before stays so. Events are matched with the
 * components that were known, in order, by digest as far as possible and else by type: a new digest is one more alternative
 * of its component. A component that is gone may be absent from now on, and one that is new may be absent as it was before.
 */
export function mergeComponents(
  before: readonly Component[] | undefined,
  events: readonly MeasuredEvent[],
  now: AcceptedNow,
): Component[] {
  if (before === undefined)
    return events.map(({ event_type, digest }) => ({ event_type, allowed: [{ digest, ...now }] }));
  const unknown = { absent: true as const, ...now, label: `not there before: ${now.label}`.slice(0, MAX_LABEL) };
  const gone = { absent: true as const, ...now };
  return aligned(before, events).map(({ component, event }): Component => {
    if (component === undefined)
      return {
        event_type: event?.event_type ?? '',
        allowed: [...(event ? [{ digest: event.digest, ...now }] : []), unknown],
      };
    const { allowed } = component;
    if (event === undefined)
      return allowed.some((one) => 'absent' in one) ? component : { ...component, allowed: [...allowed, gone] };
    return knows(component, event)
      ? component
      : { ...component, allowed: [...allowed, { digest: event.digest, ...now }] };
  });
}

const knows = ({ allowed }: Component, { digest }: MeasuredEvent): boolean =>
  allowed.some((one) => 'digest' in one && one.digest === digest);

/** A component that stays itself counts for more than any number of others that only may have become another. */
const SAME = 1_000_000;

function worth(component: Component | undefined, event: MeasuredEvent | undefined): number {
  if (component === undefined || event === undefined || component.event_type !== event.event_type) return 0;
  return knows(component, event) ? SAME + 1 : 1;
}

/** The alignment of the two lists that is worth the most (longest common subsequence). */
function aligned(
  components: readonly Component[],
  events: readonly MeasuredEvent[],
): { component?: Component; event?: MeasuredEvent }[] {
  const width = events.length + 1;
  const best = new Float64Array((components.length + 1) * width);
  const at = (row: number, column: number): number => best[row * width + column] ?? 0;
  const together = (row: number, column: number): number => {
    const value = worth(components[row], events[column]);
    return value === 0 ? 0 : value + at(row + 1, column + 1);
  };
  for (let row = components.length - 1; row >= 0; row -= 1)
    for (let column = events.length - 1; column >= 0; column -= 1)
      best[row * width + column] = Math.max(at(row + 1, column), at(row, column + 1), together(row, column));
  const pairs: { component?: Component; event?: MeasuredEvent }[] = [];
  let [row, column] = [0, 0];
  for (;;) {
    const [component, event] = [components[row], events[column]];
    if (component === undefined && event === undefined) return pairs;
    if (
      component !== undefined &&
      event !== undefined &&
      together(row, column) === at(row, column) &&
      at(row, column) > 0
    ) {
      pairs.push({ component, event });
      row += 1;
      column += 1;
    } else if (component !== undefined && (event === undefined || at(row + 1, column) >= at(row, column + 1))) {
      pairs.push({ component });
      row += 1;
    } else if (event !== undefined) {
      pairs.push({ event });
      column += 1;
    }
  }
}
