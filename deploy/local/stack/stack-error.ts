export type StackErrorCode =
  | 'already_running'
  | 'port_in_use'
  | 'stack_failed'
  | 'not_a_local_stack'
  | 'event_not_running'
  | 'interrupted'
  | 'usage';

/** The local stack cannot do what was asked. The message names the value, what was expected and what to do. */
export class StackError extends Error {
  override readonly name = 'StackError';
  constructor(
    readonly code: StackErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
