-- name: read_route
SELECT number, bot, channel, tenant, service_url FROM recado_route ORDER BY number;

-- name: read_reference
SELECT number, id, bot, channel, conversation_id, pace_key, service_url, tenant_id,
    conversation_type, is_group, name, locale, timezone, agent, address, health, health_reason,
    first_seen, last_seen, raw, route, health_since, former_url, unheard, unmade, remade,
    preferred
FROM recado_reference ORDER BY number;

-- name: read_member
SELECT reference, user_id, name, aad_object_id, email, last_seen, since
FROM recado_member ORDER BY reference, user_id;

-- name: read_roster
SELECT reference, user_id, name, aad_object_id, email, principal_name, tenant_id, since, listed_at
FROM recado_roster ORDER BY reference, user_id;

-- name: read_consent
SELECT id, bot, kind, identity, channel, category, said, at, until, recorded_at, how, wording,
    by_whom
FROM recado_consent ORDER BY id;

-- name: read_consent_now
SELECT bot, identity, kind, channel, category, about, said, at, until
FROM recado_consent_now ORDER BY bot, identity, kind, channel, category, about;

-- name: read_erased
SELECT salt, hash, category, at
FROM recado_erased ORDER BY salt, hash, category;

-- name: read_recipient
SELECT bot, name, zone, quiet, windows, changed_at FROM recado_recipient ORDER BY bot, name;

-- name: read_counted
SELECT bot, name, sent, last_at FROM recado_counted ORDER BY bot, name;

-- name: read_topic
SELECT number, bot, name, title, created_at FROM recado_topic ORDER BY number;

-- name: read_subscription
SELECT number, topic, reference, since FROM recado_subscription ORDER BY number;

-- name: read_presence
SELECT reference, spoke_at, began_at, heard_at, turns, dialog_since, busy_since, busy_until
FROM recado_presence ORDER BY reference;

-- name: read_question
SELECT delivery, reference, notification, activity_id, handler, value, mark, user_id, asked_at,
    expires_at, answered_at, answered_by
FROM recado_question ORDER BY delivery;

-- name: read_roster_reading
SELECT reference, began_at, continuation, listed FROM recado_roster_reading ORDER BY reference;

-- name: read_offer
SELECT bot, channel, tenant, service_url, seen_at, tried_to
FROM recado_offer ORDER BY bot, channel, tenant;

-- name: read_audit
SELECT number, at, kind, bot, reference, detail FROM recado_audit ORDER BY number;

-- name: read_idempotency
SELECT bot, scope, key, fingerprint, notification, accepted_at
FROM recado_idempotency ORDER BY bot, scope, key;

-- name: read_once
SELECT bot, key, reference, accepted_at, until FROM recado_once ORDER BY bot, key, reference;

-- name: read_delivery
SELECT id, notification, reference, state, reason, priority, rank, entry, due_at, expires_at,
    attempts, attempted_at, tried_since, head_since, last_status, strikes, maybe_sent,
    host_switched, turn, target, stopped
FROM recado_delivery ORDER BY id;

-- name: read_attempt
SELECT delivery, number, owner, started_at, ended_at, outcome, reason, status, code, sub_code,
    message, activity_id, headers
FROM recado_attempt ORDER BY delivery, number, started_at;

-- name: read_subject
SELECT number, bot, name, digest, newest, newest_at, watching
FROM recado_subject ORDER BY number;

-- name: read_event
SELECT number, bot, digest, id, source, type, subject, data, happened_at, accepted_at, previous,
    watched_to, watch_until
FROM recado_event ORDER BY number;

-- name: read_firing
SELECT notification, watch, event, baseline, value
FROM recado_firing ORDER BY notification;

-- name: read_send
SELECT delivery, number, activity_id FROM recado_send ORDER BY delivery, number;

-- name: read_history
SELECT id, notification, reference, state, reason, came_from, priority, rank, expires_at,
    attempts, settled_at, target, activity_id, status, owner, begun_at, decided_by
FROM recado_history ORDER BY id;

-- name: read_copy
SELECT root, delivery, follows FROM recado_copy ORDER BY root, delivery;

-- name: read_unable
SELECT channel, action, since FROM recado_unable ORDER BY channel, action;

-- name: read_pause
SELECT kind, bot, channel, tenant, name, reason, since, until, by_whom
FROM recado_pause ORDER BY kind, bot, channel, tenant, name;

-- name: read_pace
SELECT bot, channel, tenant, name, operation, second, many, fifths, last_at
FROM recado_pace ORDER BY bot, channel, tenant, name, operation, second;

-- name: read_job_counter
SELECT bot, tenant, last FROM recado_job_counter ORDER BY bot, tenant;

-- name: read_schedule
SELECT
    id, bot, key, fingerprint, state, reason, revision, audience, content, options, user_id,
    expires_after, asked_at, unless_spoken, rule, zone, starts_at, until, jitter, misfire,
    late_limit, title, created_at, reached, occurrence, next_at, fired, last_fired_at, ended_at
FROM recado_schedule ORDER BY id;

-- name: read_schedule_lane
SELECT reference, schedule FROM recado_schedule_lane ORDER BY reference, schedule;

-- name: read_occurrence
SELECT schedule, occurrence, kind, fired_at, notification, detail
FROM recado_occurrence ORDER BY schedule, occurrence, kind;

-- name: read_local_activity
SELECT conversation, position, activity, key
FROM recado_local_activity ORDER BY conversation, position;

-- name: read_state
SELECT bot, key, value, revision, changed_at FROM recado_state ORDER BY bot, key;

-- name: read_work
SELECT id, bot, reference, source, name, home, payload, "user", fallback, state, reason, detail,
    place, turn, owner, token, lease_until, attempts, sends, progress, progress_text, shown,
    replacing, promised_at, deadline_at, ended_at
FROM recado_work ORDER BY id;

-- name: counts
SELECT 'route' AS kind, count(*) AS many FROM recado_route
UNION ALL SELECT 'reference' AS kind, count(*) AS many FROM recado_reference
UNION ALL SELECT 'member' AS kind, count(*) AS many FROM recado_member
UNION ALL SELECT 'roster' AS kind, count(*) AS many FROM recado_roster
UNION ALL SELECT 'consent' AS kind, count(*) AS many FROM recado_consent
UNION ALL SELECT 'consent_now' AS kind, count(*) AS many FROM recado_consent_now
UNION ALL SELECT 'erased' AS kind, count(*) AS many FROM recado_erased
UNION ALL SELECT 'recipient' AS kind, count(*) AS many FROM recado_recipient
UNION ALL SELECT 'counted' AS kind, count(*) AS many FROM recado_counted
UNION ALL SELECT 'topic' AS kind, count(*) AS many FROM recado_topic
UNION ALL SELECT 'subscription' AS kind, count(*) AS many FROM recado_subscription
UNION ALL SELECT 'roster_reading' AS kind, count(*) AS many FROM recado_roster_reading
UNION ALL SELECT 'offer' AS kind, count(*) AS many FROM recado_offer
UNION ALL SELECT 'audit' AS kind, count(*) AS many FROM recado_audit
UNION ALL SELECT 'presence' AS kind, count(*) AS many FROM recado_presence
UNION ALL SELECT 'notification' AS kind, count(*) AS many FROM recado_notification
UNION ALL SELECT 'question' AS kind, count(*) AS many FROM recado_question
UNION ALL SELECT 'idempotency' AS kind, count(*) AS many FROM recado_idempotency
UNION ALL SELECT 'once' AS kind, count(*) AS many FROM recado_once
UNION ALL SELECT 'delivery' AS kind, count(*) AS many FROM recado_delivery
UNION ALL SELECT 'lane' AS kind, count(*) AS many FROM recado_lane
UNION ALL SELECT 'attempt' AS kind, count(*) AS many FROM recado_attempt
UNION ALL SELECT 'send' AS kind, count(*) AS many FROM recado_send
UNION ALL SELECT 'history' AS kind, count(*) AS many FROM recado_history
UNION ALL SELECT 'copy' AS kind, count(*) AS many FROM recado_copy
UNION ALL SELECT 'unable' AS kind, count(*) AS many FROM recado_unable
UNION ALL SELECT 'pause' AS kind, count(*) AS many FROM recado_pause
UNION ALL SELECT 'pace' AS kind, count(*) AS many FROM recado_pace
UNION ALL SELECT 'job_counter' AS kind, count(*) AS many FROM recado_job_counter
UNION ALL SELECT 'job' AS kind, count(*) AS many FROM recado_job
UNION ALL SELECT 'work' AS kind, count(*) AS many FROM recado_work
UNION ALL SELECT 'schedule' AS kind, count(*) AS many FROM recado_schedule
UNION ALL SELECT 'schedule_lane' AS kind, count(*) AS many FROM recado_schedule_lane
UNION ALL SELECT 'occurrence' AS kind, count(*) AS many FROM recado_occurrence
UNION ALL SELECT 'subject' AS kind, count(*) AS many FROM recado_subject
UNION ALL SELECT 'event' AS kind, count(*) AS many FROM recado_event
UNION ALL SELECT 'watch' AS kind, count(*) AS many FROM recado_watch
UNION ALL SELECT 'firing' AS kind, count(*) AS many FROM recado_firing
UNION ALL SELECT 'local_conversation' AS kind, count(*) AS many FROM recado_local_conversation
UNION ALL SELECT 'local_activity' AS kind, count(*) AS many FROM recado_local_activity
UNION ALL SELECT 'state' AS kind, count(*) AS many FROM recado_state
UNION ALL SELECT 'sequence', 2 UNION ALL SELECT 'counter', 9;

-- name: filled
-- Whether there is anything.
SELECT EXISTS (SELECT 1 FROM recado_route)
    OR EXISTS (SELECT 1 FROM recado_reference)
    OR EXISTS (SELECT 1 FROM recado_member)
    OR EXISTS (SELECT 1 FROM recado_roster)
    OR EXISTS (SELECT 1 FROM recado_roster_reading)
    OR EXISTS (SELECT 1 FROM recado_offer)
    OR EXISTS (SELECT 1 FROM recado_audit)
    OR EXISTS (SELECT 1 FROM recado_notification)
    OR EXISTS (SELECT 1 FROM recado_idempotency)
    OR EXISTS (SELECT 1 FROM recado_once)
    OR EXISTS (SELECT 1 FROM recado_delivery)
    OR EXISTS (SELECT 1 FROM recado_lane)
    OR EXISTS (SELECT 1 FROM recado_attempt)
    OR EXISTS (SELECT 1 FROM recado_send)
    OR EXISTS (SELECT 1 FROM recado_history)
    OR EXISTS (SELECT 1 FROM recado_copy)
    OR EXISTS (SELECT 1 FROM recado_unable)
    OR EXISTS (SELECT 1 FROM recado_pause)
    OR EXISTS (SELECT 1 FROM recado_pace)
    OR EXISTS (SELECT 1 FROM recado_job_counter)
    OR EXISTS (SELECT 1 FROM recado_consent)
    OR EXISTS (SELECT 1 FROM recado_erased)
    OR EXISTS (SELECT 1 FROM recado_job)
    OR EXISTS (SELECT 1 FROM recado_work)
    OR EXISTS (SELECT 1 FROM recado_schedule)
    OR EXISTS (SELECT 1 FROM recado_schedule_lane)
    OR EXISTS (SELECT 1 FROM recado_occurrence)
    OR EXISTS (SELECT 1 FROM recado_subject)
    OR EXISTS (SELECT 1 FROM recado_event)
    OR EXISTS (SELECT 1 FROM recado_watch)
    OR EXISTS (SELECT 1 FROM recado_firing)
    OR EXISTS (SELECT 1 FROM recado_local_conversation)
    OR EXISTS (SELECT 1 FROM recado_local_activity)
    OR EXISTS (SELECT 1 FROM recado_state);

-- name: unfinished
SELECT id, done, verified FROM recado_import;

-- name: begin
INSERT INTO recado_import (id, began_at, done) VALUES (?, ?, 0);

-- name: come_to
-- Nothing is written when another process has gone on meanwhile.
UPDATE recado_import SET done = :done WHERE id = :id AND done = :before;

-- name: end
DELETE FROM recado_import WHERE id = ?;
