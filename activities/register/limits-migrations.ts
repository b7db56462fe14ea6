/**
 * What limits and reviews ask of past events. `granted_at` is when the authority journalled the intent, known from the
 * ledger; an open row may have an intent that was not appended yet. What was granted is indexed apart from what was only
 * asked, so that no question costs more for what was denied, nor for what is long past.
 */
export const LIMITS = `
ALTER TABLE register.events
  ADD COLUMN granted_at timestamptz,
  ADD COLUMN quorum text CHECK (quorum IN ('full', 'fallback', 'immediate')),
  ADD COLUMN immediate boolean NOT NULL DEFAULT false,
  ADD COLUMN escalated boolean NOT NULL DEFAULT false,
  ADD COLUMN extra_approvers integer NOT NULL DEFAULT 0,
  ADD COLUMN approvers text[] NOT NULL DEFAULT '{}',
  ADD COLUMN review_owed timestamptz,
  ADD COLUMN review_overdue_at timestamptz,
  ADD COLUMN reviewed_at timestamptz,
  ADD COLUMN reviewed_by text;

UPDATE register.events SET granted_at = (
    convert_from(decode(entries.body::json ->> 'payload', 'base64'), 'UTF8')::json
      -> 'data' -> 'signed' -> 'intent' ->> 'issued_at')::timestamptz
  FROM register.entries WHERE entries.event_id = events.event_id AND entries.type = 'intent';

CREATE INDEX granted_by_pair ON register.events (invoker_person, profile, granted_at) WHERE granted_at IS NOT NULL;
CREATE INDEX granted_by_invoker ON register.events (invoker_person, granted_at) WHERE granted_at IS NOT NULL;
CREATE INDEX granted_by_profile ON register.events (profile, granted_at) WHERE granted_at IS NOT NULL;
CREATE INDEX ungranted_by_profile ON register.events (profile) WHERE open AND granted_at IS NULL;
CREATE INDEX reviews_owed_by_invoker ON register.events (invoker_person, review_overdue_at)
  WHERE review_owed IS NOT NULL AND reviewed_at IS NULL;

DROP FUNCTION register.active_by_invoker_and_profile(text, text);
DROP FUNCTION register.active_by_target(text, text, text, text);
DROP FUNCTION register.count_by_invoker_since(text, timestamptz);
DROP FUNCTION register.count_by_profile_since(text, timestamptz);
DROP FUNCTION register.last_by_invoker_and_profile(text, text);
DROP FUNCTION register.by_status(text, integer);
DROP INDEX register.events_by_pair;
`;

/** What lists are asked for besides, and refused requests as readers see them. `view` is null where nothing proves the request. */
export const LISTS = `
CREATE INDEX events_by_upn ON register.events (invoker_upn, admitted_at);
CREATE INDEX events_by_state ON register.events (state, admitted_at);
CREATE INDEX reviews_owed ON register.events (review_overdue_at)
  WHERE review_owed IS NOT NULL AND reviewed_at IS NULL;

ALTER TABLE register.refusals
  ADD COLUMN rule text,
  ADD COLUMN wanted text,
  ADD COLUMN passes_at timestamptz,
  ADD COLUMN profile text,
  ADD COLUMN invoker_person text,
  ADD COLUMN invoker_upn text,
  ADD COLUMN view text;
CREATE INDEX refusals_by_time ON register.refusals (refused_at);
CREATE INDEX refusals_by_invoker ON register.refusals (invoker_person, refused_at);
CREATE INDEX refusals_by_upn ON register.refusals (invoker_upn, refused_at);
CREATE INDEX refusals_by_profile ON register.refusals (profile, refused_at);
`;
