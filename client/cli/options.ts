/** Options that every command takes. */
export interface GlobalOptions {
  as?: string;
  key?: string;
  /** Every `--key` of the line, in its order; `key` is the last. */
  keys?: string[];
  gateway?: string;
  direct?: boolean;
  output: string;
  input: boolean;
  color: boolean;
  quiet?: boolean;
}

export interface OpenOptions {
  profile?: string;
  reasonCode?: string;
  justification?: string;
  duration?: string;
  principal?: string;
  ticket?: string;
  /** Each as `SYSTEM=ID`. */
  prerequisite?: string[];
  wait?: string;
  timeout?: string;
  eventId?: string;
}

export interface WatchOptions {
  watch?: boolean;
}

export interface ListOptions extends WatchOptions {
  state?: string;
  open?: boolean;
  overdue?: boolean;
  reviewOwed?: boolean;
  waitingFor?: string;
  invoker?: string;
  profile?: string;
  status?: string;
  since?: string;
  limit?: string;
}

export interface ReviewOptions {
  note?: string;
  yes?: boolean;
}

export interface FollowUpOptions {
  entry?: string[];
  all?: boolean;
  notForCompromise?: boolean;
  reason?: string;
  yes?: boolean;
}

export interface ActOptions {
  reason?: string;
  /** Of a kill. */
  compromise?: boolean;
  yes?: boolean;
  wait?: string;
  timeout?: string;
}
