import { EXIT, type ExitStatus } from './exit-status.js';

/** Every way in which a client call fails: its HTTP status on the gateway and the exit status of a command. */
export const RESEAL_ERRORS = {
  usage: { http: 400, exit: EXIT.usage },
  malformed: { http: 400, exit: EXIT.usage },
  config_invalid: { http: 400, exit: EXIT.usage },
  too_large: { http: 413, exit: EXIT.usage },
  unsupported_media_type: { http: 415, exit: EXIT.usage },
  foreign_origin: { http: 403, exit: EXIT.usage },
  not_found: { http: 404, exit: EXIT.usage },
  unknown_person: { http: 404, exit: EXIT.usage },
  event_id_taken: { http: 409, exit: EXIT.usage },
  bundle_not_ready: { http: 409, exit: EXIT.usage },
  key_unusable: { http: 400, exit: EXIT.usage },
  port_in_use: { http: 500, exit: EXIT.usage },
  needs_policy: { http: 503, exit: EXIT.usage },
  needs_roster: { http: 503, exit: EXIT.usage },
  refused: { http: 409, exit: EXIT.refused },
  denied: { http: 403, exit: EXIT.denied },
  publication_malformed: { http: 400, exit: EXIT.usage },
  publication_misnamed: { http: 400, exit: EXIT.usage },
  publication_unsigned: { http: 403, exit: EXIT.denied },
  publication_foreign: { http: 403, exit: EXIT.denied },
  publication_taken: { http: 409, exit: EXIT.refused },
  publication_full: { http: 507, exit: EXIT.refused },
  busy: { http: 429, exit: EXIT.unreachable },
  ceremony_ended: { http: 409, exit: EXIT.denied },
  recovery_incomplete: { http: 409, exit: EXIT.refused },
  attestation_refused: { http: 409, exit: EXIT.unverified },
  token_missing: { http: 401, exit: EXIT.denied },
  token_unknown: { http: 401, exit: EXIT.denied },
  token_scope: { http: 403, exit: EXIT.denied },
  gateway_unreachable: { http: 502, exit: EXIT.unreachable },
  temporal_unreachable: { http: 503, exit: EXIT.unreachable },
  register_unreachable: { http: 503, exit: EXIT.unreachable },
  registry_unreachable: { http: 502, exit: EXIT.unreachable },
  log_unwritable: { http: 503, exit: EXIT.unreachable },
  needs_forensic_key: { http: 503, exit: EXIT.usage },
  needs_registry: { http: 503, exit: EXIT.unreachable },
  needs_register: { http: 503, exit: EXIT.unreachable },
  no_answer: { http: 504, exit: EXIT.unreachable },
  verification_failed: { http: 409, exit: EXIT.unverified },
  internal: { http: 500, exit: EXIT.internal },
} as const satisfies Readonly<Record<string, { http: number; exit: ExitStatus }>>;
export type ResealErrorCode = keyof typeof RESEAL_ERRORS;

/** A failure with a stable code; `hint` is what to do next. Neither text holds a secret. */
export class ResealError extends Error {
  override readonly name = 'ResealError';
  readonly hint: string | undefined;
  /** The member of what was sent that is wrong. */
  readonly field: string | undefined;
  /** Codes of what has to come first. */
  readonly missing: readonly string[] | undefined;

  constructor(
    readonly code: ResealErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; field?: string; missing?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.field = options.field;
    this.missing = options.missing;
  }

  get http(): (typeof RESEAL_ERRORS)[ResealErrorCode]['http'] {
    return RESEAL_ERRORS[this.code].http;
  }

  get exit(): ExitStatus {
    return RESEAL_ERRORS[this.code].exit;
  }
}

/** The code of an answer from elsewhere; what this version does not know is `internal`. */
export function knownCode(code: unknown): ResealErrorCode {
  return typeof code === 'string' && Object.hasOwn(RESEAL_ERRORS, code) ? (code as ResealErrorCode) : 'internal';
}
