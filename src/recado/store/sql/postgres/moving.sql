-- Export and import: every table read in the order of its key, and written as it was read. What is
-- not moved, and why, is written in store/port/moving.py.

-- name: put_route
INSERT INTO recado_route SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_route), CAST(:records AS json)
) AS r;

-- name: put_reference
INSERT INTO recado_reference SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_reference), CAST(:records AS json)
) AS r;

-- name: put_member
INSERT INTO recado_member SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_member), CAST(:records AS json)
) AS r;

-- name: put_roster
INSERT INTO recado_roster SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_roster), CAST(:records AS json)
) AS r;

-- name: put_consent
INSERT INTO recado_consent SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_consent), CAST(:records AS json)
) AS r;

-- name: put_consent_now
INSERT INTO recado_consent_now SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_consent_now), CAST(:records AS json)
) AS r;

-- name: put_erased
INSERT INTO recado_erased SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_erased), CAST(:records AS json)
) AS r;

-- name: put_recipient
INSERT INTO recado_recipient SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_recipient), CAST(:records AS json)
) AS r;

-- name: put_counted
INSERT INTO recado_counted SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_counted), CAST(:records AS json)
) AS r;

-- name: put_topic
INSERT INTO recado_topic SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_topic), CAST(:records AS json)
) AS r;

-- name: put_subscription
INSERT INTO recado_subscription SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_subscription), CAST(:records AS json)
) AS r;

-- name: put_roster_reading
INSERT INTO recado_roster_reading SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_roster_reading), CAST(:records AS json)
) AS r;

-- name: put_offer
INSERT INTO recado_offer SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_offer), CAST(:records AS json)
) AS r;

-- name: put_audit
INSERT INTO recado_audit SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_audit), CAST(:records AS json)
) AS r;

-- name: read_notification
SELECT number, id, bot, audience, content, handler, value, value_type, "user", priority,
    on_unknown, mode, category, collapse_key, accepted_at, due_at, expires_at, entry,
    expand_after, expand_until, after_turn, after_turn_lane, action, target, copies_after,
    cancelled_at, cancelled_after, once_key, once_every, otherwise, expand_within, expand_person,
    expand_known, quiet, max_wait, asked_at, watch, answer_handler, answer_value, answer_within,
    answer_mark
FROM recado_notification ORDER BY number;

-- name: put_notification
INSERT INTO recado_notification SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_notification), CAST(:records AS json)
) AS r;

-- name: put_presence
INSERT INTO recado_presence SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_presence), CAST(:records AS json)
) AS r;

-- name: put_question
INSERT INTO recado_question SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_question), CAST(:records AS json)
) AS r;

-- name: put_idempotency
INSERT INTO recado_idempotency SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_idempotency), CAST(:records AS json)
) AS r;

-- name: put_once
INSERT INTO recado_once SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_once), CAST(:records AS json)
) AS r;

-- name: put_delivery
INSERT INTO recado_delivery SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_delivery), CAST(:records AS json)
) AS r;

-- name: read_lane
-- Who had it, and until when, is not moved; nor whether it was left to somebody.
SELECT reference, head, priority, ready_at, route,
    CASE WHEN waiting = 3 THEN 0 ELSE waiting END AS waiting
FROM recado_lane ORDER BY reference;

-- name: put_lane
-- What was being sent, or had just ended while it was, is for whoever takes it over.
INSERT INTO recado_lane (reference, head, priority, ready_at, route, waiting, owner, lease_until)
SELECT r.reference, r.head, r.priority, r.ready_at, r.route, r.waiting,
    CASE WHEN r.lost THEN 'before the move' END, CASE WHEN r.lost THEN 0 END
FROM (
    SELECT r.*, r.head IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM recado_delivery AS d WHERE d.id = r.head AND d.state = 'retrying'
    ) AS lost
    FROM json_populate_recordset(CAST(NULL AS recado_lane), CAST(:records AS json)) AS r
) AS r;

-- name: put_attempt
INSERT INTO recado_attempt SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_attempt), CAST(:records AS json)
) AS r;

-- name: put_send
INSERT INTO recado_send SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_send), CAST(:records AS json)
) AS r;

-- name: put_history
INSERT INTO recado_history SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_history), CAST(:records AS json)
) AS r;

-- name: put_copy
-- Some are made from history.
INSERT INTO recado_copy SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_copy), CAST(:records AS json)
) AS r
ON CONFLICT DO NOTHING;

-- name: put_unable
INSERT INTO recado_unable SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_unable), CAST(:records AS json)
) AS r;

-- name: put_pause
INSERT INTO recado_pause SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_pause), CAST(:records AS json)
) AS r;

-- name: put_pace
INSERT INTO recado_pace SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_pace), CAST(:records AS json)
) AS r;

-- name: put_job_counter
INSERT INTO recado_job_counter SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_job_counter), CAST(:records AS json)
) AS r;

-- name: read_job
SELECT bot, tenant, number, reference, "user", title, source, result, started_at, completed_at
FROM recado_job ORDER BY bot, tenant, number;

-- name: put_job
INSERT INTO recado_job SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_job), CAST(:records AS json)
) AS r;

-- name: put_work
INSERT INTO recado_work SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_work), CAST(:records AS json)
) AS r;

-- name: put_schedule
INSERT INTO recado_schedule SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_schedule), CAST(:records AS json)
) AS r;

-- name: put_schedule_lane
INSERT INTO recado_schedule_lane SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_schedule_lane), CAST(:records AS json)
) AS r;

-- name: put_occurrence
INSERT INTO recado_occurrence SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_occurrence), CAST(:records AS json)
) AS r;

-- name: put_subject
INSERT INTO recado_subject SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_subject), CAST(:records AS json)
) AS r;

-- name: put_event
INSERT INTO recado_event SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_event), CAST(:records AS json)
) AS r;

-- name: read_watch
SELECT number, id, bot, subject, reference, place, person, rule, path, audience, content, handler,
    value, value_type, "user", priority, on_unknown, mode, category, quiet, max_wait, asked_at,
    cooldown, repeats, key, fingerprint, created_at, expires_at, state, ended_at, baseline, armed,
    fired, fired_at, fired_before, trouble, revision
FROM recado_watch ORDER BY number;

-- name: put_watch
INSERT INTO recado_watch SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_watch), CAST(:records AS json)
) AS r;

-- name: put_firing
INSERT INTO recado_firing SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_firing), CAST(:records AS json)
) AS r;

-- name: read_local_conversation
SELECT id, "user" FROM recado_local_conversation ORDER BY id;

-- name: put_local_conversation
INSERT INTO recado_local_conversation SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_local_conversation), CAST(:records AS json)
) AS r;

-- name: put_local_activity
INSERT INTO recado_local_activity SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_local_activity), CAST(:records AS json)
) AS r;

-- name: put_state
INSERT INTO recado_state SELECT r.* FROM json_populate_recordset(
    CAST(NULL AS recado_state), CAST(:records AS json)
) AS r;

-- name: read_sequence
-- The last number that was given: every call to a sequence takes a million.
SELECT 'entry' AS name,
    CASE WHEN is_called THEN last_value + 999999 ELSE last_value - 1 END AS value
FROM recado_sequence_entry
UNION ALL
SELECT 'token', CASE WHEN is_called THEN last_value + 999999 ELSE last_value - 1 END
FROM recado_sequence_token
ORDER BY name;

-- name: put_sequence
SELECT setval(CAST('recado_sequence_' || r.name AS regclass), r.value + 1, false)
FROM json_to_recordset(CAST(:records AS json)) AS r (name text, value bigint);

-- name: read_counter
-- The last number of each table that gives its rows one.
SELECT 'audit' AS name, CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS value
FROM recado_audit_number_seq
UNION ALL
SELECT 'notification', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_notification_number_seq
UNION ALL
SELECT 'reference', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_reference_number_seq
UNION ALL
SELECT 'route', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_route_number_seq
UNION ALL
SELECT 'subscription', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_subscription_number_seq
UNION ALL
SELECT 'topic', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_topic_number_seq
UNION ALL
SELECT 'event', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_event_number_seq
UNION ALL
SELECT 'subject', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_subject_number_seq
UNION ALL
SELECT 'watch', CASE WHEN is_called THEN last_value ELSE last_value - 1 END
FROM recado_watch_number_seq
ORDER BY name;

-- name: put_counter
SELECT setval(
    CAST(pg_get_serial_sequence('recado_' || r.name, 'number') AS regclass), r.value + 1, false
)
FROM json_to_recordset(CAST(:records AS json)) AS r (name text, value bigint);

-- name: no_hurry
-- Whoever takes the rows may be slow, as a pipe is.
SELECT set_config('idle_in_transaction_session_timeout', '0', true),
    set_config('statement_timeout', '0', true);

-- name: verify
UPDATE recado_import SET verified = true WHERE id = ?;
