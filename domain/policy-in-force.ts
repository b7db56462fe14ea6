import type { Policy } from './policy.js';

/**
 * A policy as it reads once defaults are filled in and durations are in seconds, and the name that requests and approvals
 * sign it by: the lower-case hex SHA-256 of its RFC 8785 form. That names what it means: comments and order do not change it.
 */
export interface PolicyInForce {
  policy: Policy;
  digest: string;
}
