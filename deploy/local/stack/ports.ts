import { freePort } from '../temporal/free-port.js';
import { StackError } from './stack-error.js';

/** Ports as asked for: a number must be that one; undefined takes the usual one, or a free one where that is taken. */
export interface PortWishes {
  gateway?: number;
  temporal?: number;
  ui?: number;
  graph?: number;
  inbox?: number;
}

export const USUAL_PORTS = { gateway: 8515, temporal: 7233, ui: 8233, graph: 8520, inbox: 8530 } as const;

/** Settles each port. Throws `port_in_use` naming the port, what it was for, and the option that moves it. */
export async function settlePorts(wishes: PortWishes): Promise<Required<PortWishes>> {
  const settle = async (name: keyof typeof USUAL_PORTS): Promise<number> => {
    const wish = wishes[name];
    if (wish === 0) return freePort(undefined, name);
    if (wish === undefined) return freePort(USUAL_PORTS[name], name).catch(() => freePort(undefined, name));
    return freePort(wish, name).catch(() => {
      throw new StackError(
        'port_in_use',
        `port ${wish} (${name}) is in use: choose another with --${name}-port, or leave the option out`,
      );
    });
  };
  return {
    gateway: await settle('gateway'),
    temporal: await settle('temporal'),
    ui: await settle('ui'),
    graph: await settle('graph'),
    inbox: await settle('inbox'),
  };
}

/**
 * What to say where nobody asked for the port that the gateway took: whatever is written for its usual one must go there.
 * `url` is where it listens. Undefined where it listens on the usual one, or on the one that was asked for.
 */
export function gatewayMoved(wish: number | undefined, url: string): string | undefined {
  const usual = String(USUAL_PORTS.gateway);
  if (wish !== undefined || new URL(url).port === usual) return undefined;
  return `port ${usual} is taken: the gateway listens on ${url}, so requests written for ${usual} must be sent there`;
}
