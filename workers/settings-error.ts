export type SettingsErrorCode =
  | 'settings_invalid'
  | 'file_missing'
  | 'file_invalid'
  | 'role_key_missing'
  | 'role_key_permissions'
  | 'role_key_invalid'
  | 'role_needs_database'
  | 'virtual_time_outside_the_local_stack';

/** A worker cannot start as it is set up. The message names the value, what was expected and what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  constructor(
    readonly code: SettingsErrorCode,
    message: string,
  ) {
    super(message);
  }
}
