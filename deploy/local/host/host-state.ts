/** What the simulated host's four containable services are called, and their two words each. */
export const SERVICES = {
  agent: { contained: 'frozen', released: 'running' },
  airlock: { contained: 'disabled', released: 'enabled' },
  vault: { contained: 'locked', released: 'unlocked' },
  models: { contained: 'quarantined', released: 'available' },
} as const;
export type ServiceName = keyof typeof SERVICES;
/** Those that say how the host is, instead. */
export const MONITORS = ['integrity', 'attestor'] as const;
export type MonitorName = (typeof MONITORS)[number];
export type PartName = ServiceName | MonitorName;
export const PARTS: readonly PartName[] = [...(Object.keys(SERVICES) as ServiceName[]), ...MONITORS];

export const isService = (part: PartName): part is ServiceName => part in SERVICES;

/** The attest agent has no state of its own here, and faults like the others. */
export const ATTEST_AGENT = 'attest_agent';
export type FaultyName = PartName | typeof ATTEST_AGENT;

/** What a part of the host is now. */
export interface PartState {
  state: string;
  /** Counts up with every change of the state. */
  revision: number;
  /** Who changed it last, as they named themselves. */
  by: string | null;
}

/** How a part misbehaves until it is told to stop, or so many times. */
export interface HostFault {
  kind: 'slow' | 'error' | 'lie' | 'unreachable' | 'forget' | 'redirect' | 'endless';
  /** Requests it still hits; null until cleared. */
  times: number | null;
  /** `slow`: how long. */
  delay_ms: number;
  /** `error`: the status. `redirect`: 307. */
  status: number;
  /** `lie`: what it answers as its state. */
  state: string | null;
  /** `redirect`: where to. */
  location: string | null;
  /** GET or any other; null hits all. */
  method: string | null;
}

/** A host without a network: its parts' states, their faults, and what was asked of them. */
export class HostState {
  private readonly parts = new Map<PartName, PartState>();
  private readonly faults = new Map<FaultyName, HostFault>();
  /** Every request that reached a part, oldest first: `agent POST /api/v1/freeze`. */
  readonly asked: string[] = [];

  constructor() {
    this.reset();
  }

  reset(): void {
    this.faults.clear();
    this.asked.length = 0;
    for (const part of PARTS) {
      const state = isService(part) ? SERVICES[part].released : 'trusted';
      this.parts.set(part, { state, revision: 1, by: null });
    }
  }

  read(part: PartName): PartState {
    return this.parts.get(part) ?? { state: 'unknown', revision: 0, by: null };
  }

  /** Changes a part; nothing happens where it is so already. */
  set(part: PartName, state: string, by: string): void {
    const now = this.read(part);
    if (now.state !== state) this.parts.set(part, { state, revision: now.revision + 1, by });
  }

  fault(part: FaultyName, fault: HostFault | null): void {
    if (fault === null) this.faults.delete(part);
    else this.faults.set(part, fault);
  }

  clearFaults(): void {
    this.faults.clear();
  }

  /** The fault that strikes a request of this part, spent once. */
  strike(part: FaultyName, method: string): HostFault | null {
    const fault = this.faults.get(part);
    if (fault === undefined || (fault.method !== null && fault.method !== method)) return null;
    if (fault.times !== null) {
      if (fault.times <= 1) this.faults.delete(part);
      else this.faults.set(part, { ...fault, times: fault.times - 1 });
    }
    return fault;
  }
}
