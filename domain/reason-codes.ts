/** Why somebody breaks the glass (source: phase 27). */
export const REASON_CODES = ['incident', 'maintenance', 'security', 'recovery', 'other'] as const;
export type ReasonCode = (typeof REASON_CODES)[number];
