import type { DevFile } from './dev-file.js';

/** A person who may act from here without saying more than their name. */
export interface Identity {
  upn: string;
  keyPath: string;
  /** Who says so: a `reseal.yaml`, or the local stack. */
  from: string;
}

/** Those of `reseal.yaml`, then those of the local stack. */
export function identitiesOf(
  listed: readonly { as: string; key: string }[],
  file: string,
  dev: DevFile | undefined,
): Identity[] {
  return [
    ...listed.map(({ as, key }) => ({ upn: as, keyPath: key, from: file })),
    ...(dev?.identities ?? []).map(({ upn, key_path }) => ({ upn, keyPath: key_path, from: 'the local stack' })),
  ];
}

/** The one of that user principal name, or of that name before its `@`; case does not count. */
export function identityNamed(identities: readonly Identity[], name: string | undefined): Identity | undefined {
  const wanted = name?.toLowerCase();
  if (wanted === undefined) return undefined;
  const exact = identities.find(({ upn }) => upn.toLowerCase() === wanted);
  return exact ?? identities.find(({ upn }) => upn.toLowerCase().split('@')[0] === wanted);
}
