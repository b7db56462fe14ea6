export type SettingsErrorCode =
  | 'settings_invalid'
  | 'file_missing'
  | 'file_invalid'
  | 'role_key_missing'
  | 'role_key_permissions'
  | 'role_key_invalid'
  | 'role_key_not_trusted'
  | 'role_settings_missing'
  | 'role_needs_database'
  | 'credential_of_another_role'
  | 'secret_in_settings'
  | 'secret_permissions'
  | 'database_refused'
  | 'database_rights'
  | 'database_not_migrated'
  | 'temporal_unreachable'
  | 'temporal_refused'
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
