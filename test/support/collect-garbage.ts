import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects what nothing holds any more: some defects show only then. */
export const collectGarbage = runInNewContext('gc') as () => void;
