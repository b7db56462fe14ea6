import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects what nothing holds any more: some defects show only then. */
export const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Whatever is compiled from now on in this process holds only what it still needs, as code does that has run for long:
 * code that is new holds every variable until it returns, and hides what is collected too early.
 */
export const optimizeFromNow = (): void => setFlagsFromString('--always-turbofan');
