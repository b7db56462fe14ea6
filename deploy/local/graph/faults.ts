import { randomUUID } from 'node:crypto';

/** A fault that waits for matching requests. An absent matcher (null) matches everything. */
export interface Fault {
  readonly id: string;
  readonly method: string | null;
  /** A prefix of the path, or with `*` a pattern for all of it; `/v1.0` may be left out. */
  readonly path: string | null;
  /** How many requests it still hits; null = until cleared. Without a tenant this is one count for all tenants. */
  readonly times: number | null;
  readonly effect: 'status' | 'lost_response' | 'html' | 'delay';
  readonly status: number;
  /** Seconds for the Retry-After header; null = no header. */
  readonly retry_after: number | null;
  readonly delay_ms: number;
  /** With `status` and `html`: the write takes effect first. With `delay`: the wait comes after the effect. */
  readonly after: boolean;
  readonly code: string | null;
  readonly tenant: string | null;
  /** The PIM action of the body ("adminAssign"). */
  readonly action: string | null;
  readonly validation_only: boolean | null;
  /** The calling app. */
  readonly app: string | null;
}

/** What of a request a fault is matched against. */
export interface FaultTarget {
  readonly method: string;
  readonly pathname: string;
  readonly tenantId: string | null;
  readonly appId: string | null;
  readonly action: string | null;
  readonly validationOnly: boolean;
}

export class FaultList {
  private remaining: Fault[];

  constructor(stored: readonly Fault[] = []) {
    this.remaining = [...stored];
  }

  add(fault: Omit<Fault, 'id'>): Fault {
    const added = { ...fault, id: randomUUID() };
    this.remaining.push(added);
    return added;
  }

  /** The first fault, in the order in which they were set, that applies to this request; it is not yet spent. */
  find(target: FaultTarget): Fault | null {
    return this.remaining.find((fault) => matches(fault, target)) ?? null;
  }

  spend(fault: Fault): void {
    const i = this.remaining.findIndex((f) => f.id === fault.id);
    const current = this.remaining[i];
    if (current === undefined || current.times === null) return;
    if (current.times > 1) this.remaining[i] = { ...current, times: current.times - 1 };
    else this.remaining.splice(i, 1);
  }

  clear(tenant: string | null = null): void {
    this.remaining = tenant === null ? [] : this.remaining.filter((fault) => fault.tenant !== tenant);
  }

  list(): readonly Fault[] {
    return this.remaining;
  }
}

/** Whether the fault strikes after the request was carried out. */
export function strikesAfter(fault: Fault): boolean {
  return fault.effect === 'lost_response' || (fault.after && fault.effect !== 'delay');
}

function matches(fault: Fault, target: FaultTarget): boolean {
  if (fault.method !== null && fault.method !== target.method) return false;
  if (fault.tenant !== null && fault.tenant !== target.tenantId) return false;
  if (fault.app !== null && fault.app !== target.appId) return false;
  if (fault.action !== null && fault.action !== target.action) return false;
  if (fault.validation_only !== null && fault.validation_only !== target.validationOnly) return false;
  if (fault.path !== null && !pathMatches(fault.path, target.pathname)) return false;
  // An effect that comes first needs one: dry runs have none, and reads are meant only where they are named.
  if (strikesAfter(fault) && fault.method !== 'GET') {
    if (target.method === 'GET') return false;
    if (target.validationOnly && fault.validation_only !== true) return false;
  }
  return true;
}

/** Exported for its tests: prefix match, or with `*` (any run of characters) a match of the whole path. */
export function pathMatches(pattern: string, pathname: string): boolean {
  const path = pathname.toLowerCase();
  const wanted = pattern.toLowerCase();
  if (!/^(\/v1\.0(\/|$)|\*)/.test(wanted))
    return pathMatches(`/v1.0${wanted.startsWith('/') ? '' : '/'}${wanted}`, path);
  const parts = wanted.split('*');
  const first = parts[0] ?? '';
  if (!path.startsWith(first)) return false;
  if (parts.length === 1) return true;
  const last = parts[parts.length - 1] ?? '';
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = path.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return path.length - last.length >= at && path.endsWith(last);
}
