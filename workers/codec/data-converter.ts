import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DataConverter, LoadedDataConverter } from '@temporalio/common';
import { compiledPath } from '../compiled.js';
import { failureConverter } from './failure-converter.js';
import type { Keyring } from './keyring.js';
import { EncryptionCodec } from './payload-codec.js';
import { payloadConverter } from './payload-converter.js';

/**
 * Absolute paths of the converter modules, for `bundleWorkflowCode` (which takes source as well as compiled files) and
 * for a worker (which loads them with `require`, so compiled files only).
 */
export const converterPaths = {
  payloadConverterPath: besideThis('payload-converter'),
  failureConverterPath: besideThis('failure-converter'),
} as const;

/** For a worker: payloads and failures encrypted, and nothing that is read ever throws. */
export function resealDataConverter(keyring: Keyring): DataConverter {
  return {
    payloadConverterPath: compiledPath('workers/codec/payload-converter.js'),
    failureConverterPath: compiledPath('workers/codec/failure-converter.js'),
    payloadCodecs: [new EncryptionCodec(keyring)],
  };
}

/** The same for a client, which needs no paths: it takes the converters themselves. */
export function clientDataConverter(keyring: Keyring): LoadedDataConverter {
  return { payloadConverter, failureConverter, payloadCodecs: [new EncryptionCodec(keyring)] };
}

function besideThis(name: string): string {
  const compiled = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return existsSync(compiled) ? compiled : compiled.replace(/\.js$/, '.ts');
}
