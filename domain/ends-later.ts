import type { Finding } from './outcomes.js';

/** The provider ends a grant later than intended, or never (null). RFC 3339. It kills the ceremony. */
export const endsLater = (ends: string | null): Finding => ({
  code: 'ends_later_than_intended',
  detail: `the provider ends it ${ends === null ? 'never' : `at ${ends}`}`,
});
