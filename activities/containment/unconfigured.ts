import { ApplicationFailure } from '@temporalio/common';

const refuse = (): Promise<never> =>
  Promise.reject(ApplicationFailure.retryable('this role has no hosts file: set hosts_path', 'not_configured'));

/** The containment role without a hosts file: whatever is asked of it is asked again until it has one. */
export const unconfiguredContainment = (): { contain(): Promise<never>; release(): Promise<never> } => ({
  contain: refuse,
  release: refuse,
});
