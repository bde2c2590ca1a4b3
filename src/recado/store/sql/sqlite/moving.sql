-- Export and import: every table read in the order of its key, and written as it was read. What is
-- not moved, and why, is written in store/port/moving.py.

-- name: put_route
INSERT INTO recado_route (number, bot, channel, tenant, service_url)
SELECT json_extract(value, '$.number'), json_extract(value, '$.bot'),
    json_extract(value, '$.channel'), json_extract(value, '$.tenant'),
    json_extract(value, '$.service_url')
FROM json_each(:records);

-- name: put_reference
INSERT INTO recado_reference (
    number, id, bot, channel, conversation_id, pace_key, service_url, tenant_id,
    conversation_type, is_group, name, locale, timezone, agent, address, health, health_reason,
    first_seen, last_seen, raw, route, health_since, former_url, unheard, unmade, remade,
    preferred
)
SELECT json_extract(value, '$.number'), json_extract(value, '$.id'), json_extract(value, '$.bot'),
    json_extract(value, '$.channel'), json_extract(value, '$.conversation_id'),
    json_extract(value, '$.pace_key'), json_extract(value, '$.service_url'),
    json_extract(value, '$.tenant_id'), json_extract(value, '$.conversation_type'),
    json_extract(value, '$.is_group'), json_extract(value, '$.name'),
    json_extract(value, '$.locale'), json_extract(value, '$.timezone'),
    json_extract(value, '$.agent'), json_extract(value, '$.address'),
    json_extract(value, '$.health'), json_extract(value, '$.health_reason'),
    json_extract(value, '$.first_seen'), json_extract(value, '$.last_seen'),
    json_extract(value, '$.raw'), json_extract(value, '$.route'),
    json_extract(value, '$.health_since'), json_extract(value, '$.former_url'),
    json_extract(value, '$.unheard'), json_extract(value, '$.unmade'),
    json_extract(value, '$.remade'), json_extract(value, '$.preferred')
FROM json_each(:records);

-- name: put_member
INSERT INTO recado_member (reference, user_id, name, aad_object_id, email, last_seen, since)
SELECT json_extract(value, '$.reference'), json_extract(value, '$.user_id'),
    json_extract(value, '$.name'), json_extract(value, '$.aad_object_id'),
    json_extract(value, '$.email'), json_extract(value, '$.last_seen'),
    json_extract(value, '$.since')
FROM json_each(:records);

-- name: put_roster
INSERT INTO recado_roster (
    reference, user_id, name, aad_object_id, email, principal_name, tenant_id, since, listed_at
)
SELECT json_extract(value, '$.reference'), json_extract(value, '$.user_id'),
    json_extract(value, '$.name'), json_extract(value, '$.aad_object_id'),
    json_extract(value, '$.email'), json_extract(value, '$.principal_name'),
    json_extract(value, '$.tenant_id'), json_extract(value, '$.since'),
    json_extract(value, '$.listed_at')
FROM json_each(:records);

-- name: put_consent
INSERT INTO recado_consent (id, bot, kind, identity, channel, category, said, at, until,
    recorded_at, how, wording, by_whom)
SELECT json_extract(value, '$.id'), json_extract(value, '$.bot'), json_extract(value, '$.kind'),
    json_extract(value, '$.identity'), json_extract(value, '$.channel'),
    json_extract(value, '$.category'), json_extract(value, '$.said'), json_extract(value, '$.at'),
    json_extract(value, '$.until'), json_extract(value, '$.recorded_at'),
    json_extract(value, '$.how'), json_extract(value, '$.wording'),
    json_extract(value, '$.by_whom')
FROM json_each(:records);

-- name: put_consent_now
INSERT INTO recado_consent_now (bot, identity, kind, channel, category, about, said, at, until)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.identity'),
    json_extract(value, '$.kind'), json_extract(value, '$.channel'),
    json_extract(value, '$.category'), json_extract(value, '$.about'),
    json_extract(value, '$.said'), json_extract(value, '$.at'), json_extract(value, '$.until')
FROM json_each(:records);

-- name: put_erased
INSERT INTO recado_erased (salt, hash, category, at)
SELECT json_extract(value, '$.salt'), json_extract(value, '$.hash'),
    json_extract(value, '$.category'), json_extract(value, '$.at')
FROM json_each(:records);

-- name: put_recipient
INSERT INTO recado_recipient (bot, name, zone, quiet, windows, changed_at)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.name'),
    json_extract(value, '$.zone'), json_extract(value, '$.quiet'),
    json_extract(value, '$.windows'), json_extract(value, '$.changed_at')
FROM json_each(:records);

-- name: put_counted
INSERT INTO recado_counted (bot, name, sent, last_at)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.name'),
    json_extract(value, '$.sent'), json_extract(value, '$.last_at')
FROM json_each(:records);

-- name: put_topic
INSERT INTO recado_topic (number, bot, name, title, created_at)
SELECT json_extract(value, '$.number'), json_extract(value, '$.bot'),
    json_extract(value, '$.name'), json_extract(value, '$.title'),
    json_extract(value, '$.created_at')
FROM json_each(:records);

-- name: put_subscription
INSERT INTO recado_subscription (number, topic, reference, since)
SELECT json_extract(value, '$.number'), json_extract(value, '$.topic'),
    json_extract(value, '$.reference'), json_extract(value, '$.since')
FROM json_each(:records);

-- name: put_roster_reading
INSERT INTO recado_roster_reading (reference, began_at, continuation, listed)
SELECT json_extract(value, '$.reference'), json_extract(value, '$.began_at'),
    json_extract(value, '$.continuation'), json_extract(value, '$.listed')
FROM json_each(:records);

-- name: put_offer
INSERT INTO recado_offer (bot, channel, tenant, service_url, seen_at, tried_to)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.channel'),
    json_extract(value, '$.tenant'), json_extract(value, '$.service_url'),
    json_extract(value, '$.seen_at'), json_extract(value, '$.tried_to')
FROM json_each(:records);

-- name: put_audit
INSERT INTO recado_audit (number, at, kind, bot, reference, detail)
SELECT json_extract(value, '$.number'), json_extract(value, '$.at'),
    json_extract(value, '$.kind'), json_extract(value, '$.bot'),
    json_extract(value, '$.reference'), json_extract(value, '$.detail')
FROM json_each(:records);

-- name: read_notification
SELECT number, id, bot, audience, content, handler, value, value_type, user, priority, on_unknown,
    mode, category, collapse_key, accepted_at, due_at, expires_at, entry, expand_after,
    expand_until, after_turn, after_turn_lane, action, target, copies_after, cancelled_at,
    cancelled_after, once_key, once_every, otherwise, expand_within, expand_person,
    expand_known, quiet, max_wait, asked_at, watch, answer_handler, answer_value, answer_within,
    answer_mark
FROM recado_notification ORDER BY number;

-- name: put_notification
INSERT INTO recado_notification (
    number, id, bot, audience, content, handler, value, value_type, user, priority, on_unknown,
    mode, category, collapse_key, accepted_at, due_at, expires_at, entry, expand_after,
    expand_until, after_turn, after_turn_lane, action, target, copies_after, cancelled_at,
    cancelled_after, once_key, once_every, otherwise, expand_within, expand_person,
    expand_known, quiet, max_wait, asked_at, watch, answer_handler, answer_value, answer_within,
    answer_mark
)
SELECT json_extract(value, '$.number'), json_extract(value, '$.id'), json_extract(value, '$.bot'),
    json_extract(value, '$.audience'), json_extract(value, '$.content'),
    json_extract(value, '$.handler'), json_extract(value, '$.value'),
    json_extract(value, '$.value_type'), json_extract(value, '$.user'),
    json_extract(value, '$.priority'), json_extract(value, '$.on_unknown'),
    json_extract(value, '$.mode'), json_extract(value, '$.category'),
    json_extract(value, '$.collapse_key'), json_extract(value, '$.accepted_at'),
    json_extract(value, '$.due_at'), json_extract(value, '$.expires_at'),
    json_extract(value, '$.entry'), json_extract(value, '$.expand_after'),
    json_extract(value, '$.expand_until'), json_extract(value, '$.after_turn'),
    json_extract(value, '$.after_turn_lane'), json_extract(value, '$.action'),
    json_extract(value, '$.target'), json_extract(value, '$.copies_after'),
    json_extract(value, '$.cancelled_at'), json_extract(value, '$.cancelled_after'),
    json_extract(value, '$.once_key'), json_extract(value, '$.once_every'),
    json_extract(value, '$.otherwise'), json_extract(value, '$.expand_within'),
    json_extract(value, '$.expand_person'), json_extract(value, '$.expand_known'),
    json_extract(value, '$.quiet'), json_extract(value, '$.max_wait'),
    json_extract(value, '$.asked_at'), json_extract(value, '$.watch'),
    json_extract(value, '$.answer_handler'), json_extract(value, '$.answer_value'),
    json_extract(value, '$.answer_within'), json_extract(value, '$.answer_mark')
FROM json_each(:records);

-- name: put_presence
INSERT INTO recado_presence (
    reference, spoke_at, began_at, heard_at, turns, dialog_since, busy_since, busy_until
)
SELECT json_extract(value, '$.reference'), json_extract(value, '$.spoke_at'),
    json_extract(value, '$.began_at'), json_extract(value, '$.heard_at'),
    json_extract(value, '$.turns'), json_extract(value, '$.dialog_since'),
    json_extract(value, '$.busy_since'), json_extract(value, '$.busy_until')
FROM json_each(:records);

-- name: put_question
INSERT INTO recado_question (
    delivery, reference, notification, activity_id, handler, value, mark, user_id, asked_at,
    expires_at, answered_at, answered_by
)
SELECT json_extract(value, '$.delivery'), json_extract(value, '$.reference'),
    json_extract(value, '$.notification'), json_extract(value, '$.activity_id'),
    json_extract(value, '$.handler'), json_extract(value, '$.value'),
    json_extract(value, '$.mark'), json_extract(value, '$.user_id'),
    json_extract(value, '$.asked_at'), json_extract(value, '$.expires_at'),
    json_extract(value, '$.answered_at'), json_extract(value, '$.answered_by')
FROM json_each(:records);

-- name: put_idempotency
INSERT INTO recado_idempotency (bot, scope, key, fingerprint, notification, accepted_at)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.scope'), json_extract(value, '$.key'),
    json_extract(value, '$.fingerprint'), json_extract(value, '$.notification'),
    json_extract(value, '$.accepted_at')
FROM json_each(:records);

-- name: put_once
INSERT INTO recado_once (bot, key, reference, accepted_at, until)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.key'),
    json_extract(value, '$.reference'), json_extract(value, '$.accepted_at'),
    json_extract(value, '$.until')
FROM json_each(:records);

-- name: put_delivery
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, due_at, expires_at,
    attempts, attempted_at, tried_since, head_since, last_status, strikes, maybe_sent,
    host_switched, turn, target, stopped
)
SELECT json_extract(value, '$.id'), json_extract(value, '$.notification'),
    json_extract(value, '$.reference'), json_extract(value, '$.state'),
    json_extract(value, '$.reason'), json_extract(value, '$.priority'),
    json_extract(value, '$.rank'), json_extract(value, '$.entry'),
    json_extract(value, '$.due_at'), json_extract(value, '$.expires_at'),
    json_extract(value, '$.attempts'), json_extract(value, '$.attempted_at'),
    json_extract(value, '$.tried_since'), json_extract(value, '$.head_since'),
    json_extract(value, '$.last_status'), json_extract(value, '$.strikes'),
    json_extract(value, '$.maybe_sent'), json_extract(value, '$.host_switched'),
    json_extract(value, '$.turn'), json_extract(value, '$.target'),
    json_extract(value, '$.stopped')
FROM json_each(:records);

-- name: read_lane
-- Who had it, and until when, is not moved.
SELECT reference, head, priority, ready_at, route, waiting FROM recado_lane ORDER BY reference;

-- name: put_lane
-- What was being sent, or had just ended while it was, is for whoever takes it over.
INSERT INTO recado_lane (reference, head, priority, ready_at, route, waiting, owner, lease_until)
SELECT r.reference, r.head, r.priority, r.ready_at, r.route, r.waiting,
    CASE WHEN r.lost THEN 'before the move' END, CASE WHEN r.lost THEN 0 END
FROM (
    SELECT r.*, r.head IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM recado_delivery AS d WHERE d.id = r.head AND d.state = 'retrying'
    ) AS lost
    FROM (
        SELECT json_extract(value, '$.reference') AS reference,
            json_extract(value, '$.head') AS head,
            json_extract(value, '$.priority') AS priority,
            json_extract(value, '$.ready_at') AS ready_at,
            json_extract(value, '$.route') AS route,
            json_extract(value, '$.waiting') AS waiting
        FROM json_each(:records)
    ) AS r
) AS r;

-- name: put_attempt
INSERT INTO recado_attempt (
    delivery, number, owner, started_at, ended_at, outcome, reason, status, code, sub_code,
    message, activity_id, headers
)
SELECT json_extract(value, '$.delivery'), json_extract(value, '$.number'),
    json_extract(value, '$.owner'), json_extract(value, '$.started_at'),
    json_extract(value, '$.ended_at'), json_extract(value, '$.outcome'),
    json_extract(value, '$.reason'), json_extract(value, '$.status'),
    json_extract(value, '$.code'), json_extract(value, '$.sub_code'),
    json_extract(value, '$.message'), json_extract(value, '$.activity_id'),
    json_extract(value, '$.headers')
FROM json_each(:records);

-- name: put_send
INSERT INTO recado_send (delivery, number, activity_id)
SELECT json_extract(value, '$.delivery'), json_extract(value, '$.number'),
    json_extract(value, '$.activity_id')
FROM json_each(:records);

-- name: put_history
INSERT INTO recado_history (
    id, notification, reference, state, reason, came_from, priority, rank, expires_at, attempts,
    settled_at, target, activity_id, status, owner, begun_at, decided_by
)
SELECT json_extract(value, '$.id'), json_extract(value, '$.notification'),
    json_extract(value, '$.reference'), json_extract(value, '$.state'),
    json_extract(value, '$.reason'), json_extract(value, '$.came_from'),
    json_extract(value, '$.priority'), json_extract(value, '$.rank'),
    json_extract(value, '$.expires_at'), json_extract(value, '$.attempts'),
    json_extract(value, '$.settled_at'), json_extract(value, '$.target'),
    json_extract(value, '$.activity_id'), json_extract(value, '$.status'),
    json_extract(value, '$.owner'), json_extract(value, '$.begun_at'),
    json_extract(value, '$.decided_by')
FROM json_each(:records);

-- name: put_copy
-- Some are made from history.
INSERT OR IGNORE INTO recado_copy (root, delivery, follows)
SELECT json_extract(value, '$.root'), json_extract(value, '$.delivery'),
    json_extract(value, '$.follows')
FROM json_each(:records);

-- name: put_unable
INSERT INTO recado_unable (channel, action, since)
SELECT json_extract(value, '$.channel'), json_extract(value, '$.action'),
    json_extract(value, '$.since')
FROM json_each(:records);

-- name: put_pause
INSERT INTO recado_pause (kind, bot, channel, tenant, name, reason, since, until, by_whom)
SELECT json_extract(value, '$.kind'), json_extract(value, '$.bot'),
    json_extract(value, '$.channel'), json_extract(value, '$.tenant'),
    json_extract(value, '$.name'), json_extract(value, '$.reason'),
    json_extract(value, '$.since'), json_extract(value, '$.until'),
    json_extract(value, '$.by_whom')
FROM json_each(:records);

-- name: put_pace
INSERT INTO recado_pace (bot, channel, tenant, name, operation, second, many, fifths, last_at)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.channel'),
    json_extract(value, '$.tenant'), json_extract(value, '$.name'),
    json_extract(value, '$.operation'), json_extract(value, '$.second'),
    json_extract(value, '$.many'), json_extract(value, '$.fifths'),
    json_extract(value, '$.last_at')
FROM json_each(:records);

-- name: put_job_counter
INSERT INTO recado_job_counter (bot, tenant, last)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.tenant'),
    json_extract(value, '$.last')
FROM json_each(:records);

-- name: read_job
SELECT bot, tenant, number, reference, user, title, source, result, started_at, completed_at
FROM recado_job ORDER BY bot, tenant, number;

-- name: put_job
INSERT INTO recado_job (
    bot, tenant, number, reference, user, title, source, result, started_at, completed_at
)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.tenant'),
    json_extract(value, '$.number'), json_extract(value, '$.reference'),
    json_extract(value, '$.user'), json_extract(value, '$.title'),
    json_extract(value, '$.source'), json_extract(value, '$.result'),
    json_extract(value, '$.started_at'), json_extract(value, '$.completed_at')
FROM json_each(:records);

-- name: put_work
INSERT INTO recado_work (
    id, bot, reference, source, name, home, payload, user, fallback, state, reason, detail,
    place, turn, owner, token, lease_until, attempts, sends, progress, progress_text, shown,
    replacing, promised_at, deadline_at, ended_at
)
SELECT json_extract(value, '$.id'), json_extract(value, '$.bot'),
    json_extract(value, '$.reference'), json_extract(value, '$.source'),
    json_extract(value, '$.name'), json_extract(value, '$.home'),
    json_extract(value, '$.payload'), json_extract(value, '$.user'),
    json_extract(value, '$.fallback'), json_extract(value, '$.state'),
    json_extract(value, '$.reason'), json_extract(value, '$.detail'),
    json_extract(value, '$.place'), json_extract(value, '$.turn'),
    json_extract(value, '$.owner'), json_extract(value, '$.token'),
    json_extract(value, '$.lease_until'), json_extract(value, '$.attempts'),
    json_extract(value, '$.sends'), json_extract(value, '$.progress'),
    json_extract(value, '$.progress_text'), json_extract(value, '$.shown'),
    json_extract(value, '$.replacing'), json_extract(value, '$.promised_at'),
    json_extract(value, '$.deadline_at'), json_extract(value, '$.ended_at')
FROM json_each(:records);

-- name: put_schedule
INSERT INTO recado_schedule (
    id, bot, key, fingerprint, state, reason, revision, audience, content, options, user_id,
    expires_after, asked_at, unless_spoken, rule, zone, starts_at, until, jitter, misfire,
    late_limit, title, created_at, reached, occurrence, next_at, fired, last_fired_at, ended_at
)
SELECT json_extract(value, '$.id'), json_extract(value, '$.bot'),
    json_extract(value, '$.key'), json_extract(value, '$.fingerprint'),
    json_extract(value, '$.state'), json_extract(value, '$.reason'),
    json_extract(value, '$.revision'), json_extract(value, '$.audience'),
    json_extract(value, '$.content'), json_extract(value, '$.options'),
    json_extract(value, '$.user_id'), json_extract(value, '$.expires_after'),
    json_extract(value, '$.asked_at'), json_extract(value, '$.unless_spoken'),
    json_extract(value, '$.rule'), json_extract(value, '$.zone'),
    json_extract(value, '$.starts_at'), json_extract(value, '$.until'),
    json_extract(value, '$.jitter'), json_extract(value, '$.misfire'),
    json_extract(value, '$.late_limit'), json_extract(value, '$.title'),
    json_extract(value, '$.created_at'), json_extract(value, '$.reached'),
    json_extract(value, '$.occurrence'), json_extract(value, '$.next_at'),
    json_extract(value, '$.fired'), json_extract(value, '$.last_fired_at'),
    json_extract(value, '$.ended_at')
FROM json_each(:records);

-- name: put_schedule_lane
INSERT INTO recado_schedule_lane (reference, schedule)
SELECT json_extract(value, '$.reference'), json_extract(value, '$.schedule')
FROM json_each(:records);

-- name: put_occurrence
INSERT INTO recado_occurrence (schedule, occurrence, kind, fired_at, notification, detail)
SELECT json_extract(value, '$.schedule'), json_extract(value, '$.occurrence'),
    json_extract(value, '$.kind'), json_extract(value, '$.fired_at'),
    json_extract(value, '$.notification'), json_extract(value, '$.detail')
FROM json_each(:records);

-- name: put_subject
INSERT INTO recado_subject (
    number, bot, name, digest, newest, newest_at, watching
)
SELECT json_extract(value, '$.number'), json_extract(value, '$.bot'), json_extract(value,
    '$.name'), json_extract(value, '$.digest'), json_extract(value, '$.newest'),
    json_extract(value, '$.newest_at'), json_extract(value, '$.watching')
FROM json_each(:records);

-- name: put_event
INSERT INTO recado_event (
    number, bot, digest, id, source, type, subject, data, happened_at, accepted_at, previous,
    watched_to, watch_until
)
SELECT json_extract(value, '$.number'), json_extract(value, '$.bot'), json_extract(value,
    '$.digest'), json_extract(value, '$.id'), json_extract(value, '$.source'), json_extract(value,
    '$.type'), json_extract(value, '$.subject'), json_extract(value, '$.data'),
    json_extract(value, '$.happened_at'), json_extract(value, '$.accepted_at'),
    json_extract(value, '$.previous'), json_extract(value, '$.watched_to'), json_extract(value,
    '$.watch_until')
FROM json_each(:records);

-- name: read_watch
SELECT number, id, bot, subject, reference, place, person, rule, path, audience, content, handler,
    value, value_type, user, priority, on_unknown, mode, category, quiet, max_wait, asked_at,
    cooldown, repeats, key, fingerprint, created_at, expires_at, state, ended_at, baseline, armed,
    fired, fired_at, fired_before, trouble, revision
FROM recado_watch ORDER BY number;

-- name: put_watch
INSERT INTO recado_watch (
    number, id, bot, subject, reference, place, person, rule, path, audience, content, handler,
    value, value_type, user, priority, on_unknown, mode, category, quiet, max_wait, asked_at,
    cooldown, repeats, key, fingerprint, created_at, expires_at, state, ended_at, baseline, armed,
    fired, fired_at, fired_before, trouble, revision
)
SELECT json_extract(value, '$.number'), json_extract(value, '$.id'), json_extract(value, '$.bot'),
    json_extract(value, '$.subject'), json_extract(value, '$.reference'), json_extract(value,
    '$.place'), json_extract(value, '$.person'), json_extract(value, '$.rule'),
    json_extract(value, '$.path'), json_extract(value, '$.audience'), json_extract(value,
    '$.content'), json_extract(value, '$.handler'), json_extract(value, '$.value'),
    json_extract(value, '$.value_type'), json_extract(value, '$.user'), json_extract(value,
    '$.priority'), json_extract(value, '$.on_unknown'), json_extract(value, '$.mode'),
    json_extract(value, '$.category'), json_extract(value, '$.quiet'), json_extract(value,
    '$.max_wait'), json_extract(value, '$.asked_at'), json_extract(value, '$.cooldown'),
    json_extract(value, '$.repeats'), json_extract(value, '$.key'), json_extract(value,
    '$.fingerprint'), json_extract(value, '$.created_at'), json_extract(value, '$.expires_at'),
    json_extract(value, '$.state'), json_extract(value, '$.ended_at'), json_extract(value,
    '$.baseline'), json_extract(value, '$.armed'), json_extract(value, '$.fired'),
    json_extract(value, '$.fired_at'), json_extract(value, '$.fired_before'), json_extract(value,
    '$.trouble'), json_extract(value, '$.revision')
FROM json_each(:records);

-- name: put_firing
INSERT INTO recado_firing (
    notification, watch, event, baseline, value
)
SELECT json_extract(value, '$.notification'), json_extract(value, '$.watch'), json_extract(value,
    '$.event'), json_extract(value, '$.baseline'), json_extract(value, '$.value')
FROM json_each(:records);

-- name: read_local_conversation
SELECT id, user FROM recado_local_conversation ORDER BY id;

-- name: put_local_conversation
INSERT INTO recado_local_conversation (id, user)
SELECT json_extract(value, '$.id'), json_extract(value, '$.user')
FROM json_each(:records);

-- name: put_local_activity
INSERT INTO recado_local_activity (conversation, position, activity, key)
SELECT json_extract(value, '$.conversation'), json_extract(value, '$.position'),
    json_extract(value, '$.activity'), json_extract(value, '$.key')
FROM json_each(:records);

-- name: put_state
INSERT INTO recado_state (bot, key, value, revision, changed_at)
SELECT json_extract(value, '$.bot'), json_extract(value, '$.key'), json_extract(value, '$.value'),
    json_extract(value, '$.revision'), json_extract(value, '$.changed_at')
FROM json_each(:records);

-- name: read_sequence
SELECT name, value FROM recado_sequence ORDER BY name;

-- name: put_sequence
INSERT INTO recado_sequence (name, value)
SELECT json_extract(value, '$.name'), json_extract(value, '$.value')
FROM json_each(:records) WHERE true
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: read_counter
-- The last number of each table that gives its rows one.
SELECT c.name, coalesce((
    SELECT s.seq FROM sqlite_sequence AS s WHERE s.name = 'recado_' || c.name
), 0) AS value
FROM (
    SELECT 'audit' AS name UNION ALL SELECT 'notification' UNION ALL SELECT 'reference'
    UNION ALL SELECT 'route' UNION ALL SELECT 'subscription' UNION ALL SELECT 'topic'
    UNION ALL SELECT 'event' UNION ALL SELECT 'subject' UNION ALL SELECT 'watch'
) AS c ORDER BY c.name;

-- name: put_counter
-- The table is SQLite's own and has no key, so a row that is there is replaced where it is.
INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq)
SELECT (SELECT s.rowid FROM sqlite_sequence AS s WHERE s.name = c.name), c.name, c.seq
FROM (
    SELECT 'recado_' || json_extract(value, '$.name') AS name,
        json_extract(value, '$.value') AS seq
    FROM json_each(:records)
) AS c;

-- name: no_hurry
-- Here whoever reads may take its time.
SELECT 1;

-- name: verify
UPDATE recado_import SET verified = 1 WHERE id = ?;
