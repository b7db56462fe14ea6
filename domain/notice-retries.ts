/** A notice goes out at most so often on one channel; the waits between, in seconds, sum up to half an hour. */
export const RETRY_AFTER_SECONDS = [5, 30, 120, 480, 1165] as const;
export const MOST_ATTEMPTS = RETRY_AFTER_SECONDS.length + 1;
