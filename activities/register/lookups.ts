/**
 * The questions about past events that admission asks, one indexed query each, whatever the number of events. Parameters:
 * $1 invoker's person id, $2 profile, $3 to $6 the target's tenant, principal, role and scope, $7 now, $8 the beginning of
 * the quota window, $9 and $10 how many grants of the invoker and of the profile anybody will look at.
 *
 * What counts is a grant, from the moment the authority journalled its intent. An open event whose intent is journalled and
 * not appended yet is asked of the journal; one that nobody has to approve counts from its admission, because nothing stands
 * between that and its grant: otherwise any number of them, asked for in one second, would pass every quota.
 */

/** The open event of the same invoker and profile: at most one, as a unique index guarantees. */
export const OPEN_OF_PAIR = `
  SELECT event_id FROM register.events WHERE invoker_person = $1 AND profile = $2 AND open`;

/** The open event for the same principal, role and scope: at most one, as a unique index guarantees. */
export const OPEN_OF_TARGET = `
  SELECT event_id FROM register.events WHERE tenant_id = $3 AND principal_id = $4 AND role_template_id = $5
    AND directory_scope_id = $6 AND open`;

/** The last grant of the same invoker and profile. An open one stands in the way by itself. */
export const LAST_OF_PAIR = `
  SELECT granted_at FROM register.events WHERE invoker_person = $1 AND profile = $2 AND granted_at IS NOT NULL
    ORDER BY granted_at DESC LIMIT 1`;

const grantsSince = (whose: string, since: string, most: string): string => `
  SELECT at FROM (
    (SELECT granted_at AS at FROM register.events WHERE ${whose} AND granted_at > ${since}
       ORDER BY granted_at DESC LIMIT ${most})
    UNION ALL
    (SELECT coalesce(intents.issued_at, events.admitted_at) FROM register.events
       LEFT JOIN authority.intents ON intents.event_id = events.event_id
       WHERE ${whose} AND open AND granted_at IS NULL AND (immediate OR intents.event_id IS NOT NULL))
  ) AS grants WHERE at > ${since} ORDER BY at DESC LIMIT ${most}`;

/** The invoker's grants since, newest first. */
export const BY_INVOKER_SINCE = grantsSince('invoker_person = $1', '$8', '$9');

/** The profile's grants since, by anybody, newest first. */
export const BY_PROFILE_SINCE = grantsSince('profile = $2', '$8', '$10');

/** How many overdue reviews anybody will look at: one is enough for everything that follows from them. */
const MOST_REVIEWS = 16;

/** Events whose review is overdue and whose invoker asks again, longest overdue first. */
export const OVERDUE_REVIEWS = `
  SELECT event_id FROM register.events WHERE invoker_person = $1 AND review_owed IS NOT NULL AND reviewed_at IS NULL
    AND review_overdue_at <= $7 ORDER BY review_overdue_at LIMIT ${MOST_REVIEWS}`;
