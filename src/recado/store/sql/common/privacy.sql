-- What is kept about one person, to be shown to them or taken away. A table that is not named here
-- has nothing about people: tests/consent/test_people.py looks through all of them.

-- name: place
SELECT number, id, channel, conversation_id, pace_key, raw FROM recado_reference WHERE number = ?;

-- name: groups
-- The groups somebody is seen in by one of their names.
SELECT DISTINCT r.channel, r.conversation_id FROM recado_member AS m
JOIN recado_reference AS r ON r.number = m.reference
WHERE m.user_id = ? AND r.bot = ? AND r.is_group;

-- What is in a private conversation -------------------------------------------------------------

-- name: references
SELECT * FROM recado_reference WHERE number = ?;

-- name: members
SELECT * FROM recado_member WHERE reference = ?;

-- name: deliveries
SELECT * FROM recado_delivery WHERE reference = :place
AND state IN ('pending', 'sending', 'retrying')
UNION ALL SELECT * FROM recado_delivery WHERE reference = :place
AND state IN ('scheduled', 'held')
UNION ALL SELECT * FROM recado_delivery WHERE reference = :place AND state = 'unknown'
LIMIT :limit;

-- name: history
SELECT * FROM recado_history WHERE reference = ? AND id > ? ORDER BY id LIMIT ?;

-- name: notifications
SELECT * FROM recado_notification WHERE number = ?;

-- name: attempts
SELECT * FROM recado_attempt WHERE delivery = ?;

-- name: watches
SELECT * FROM recado_watch WHERE reference = ?;

-- name: schedules
SELECT s.* FROM recado_schedule_lane AS l JOIN recado_schedule AS s ON s.id = l.schedule
WHERE l.reference = ?;

-- name: questions
SELECT * FROM recado_question WHERE reference = ?;

-- name: presence
SELECT * FROM recado_presence WHERE reference = ?;

-- name: subscriptions
SELECT s.*, t.name FROM recado_subscription AS s JOIN recado_topic AS t ON t.number = s.topic
WHERE s.reference = ?;

-- name: audit
SELECT * FROM recado_audit WHERE reference = ?;

-- name: pauses
SELECT * FROM recado_pause WHERE bot = ? AND name = ?;

-- name: local_conversations
SELECT * FROM recado_local_conversation WHERE id = ?;

-- name: local_activities
SELECT * FROM recado_local_activity WHERE conversation = ?;

-- name: come_since
-- Whether something has come for a conversation since it was cleared.
SELECT EXISTS (SELECT 1 FROM recado_schedule_lane WHERE reference = :place)
OR EXISTS (SELECT 1 FROM recado_watch WHERE reference = :place)
OR (
    SELECT activity_id FROM recado_history WHERE reference = :place ORDER BY id DESC LIMIT 1
) IS NOT NULL;

-- name: blank_history
UPDATE recado_history SET activity_id = NULL WHERE id = ?;

-- name: blank_attempts
UPDATE recado_attempt SET message = NULL, headers = NULL, activity_id = NULL WHERE delivery = ?;

-- name: drop_sends
DELETE FROM recado_send WHERE delivery = ?;

-- name: drop_firings
DELETE FROM recado_firing WHERE watch IN (
    SELECT number FROM recado_watch WHERE reference = ?
);

-- name: drop_watches
DELETE FROM recado_watch WHERE reference = ?;

-- name: drop_schedule_lanes
DELETE FROM recado_schedule_lane WHERE reference = ?;

-- name: drop_questions
DELETE FROM recado_question WHERE reference = ?;

-- name: drop_presence
DELETE FROM recado_presence WHERE reference = ?;

-- name: drop_subscriptions
DELETE FROM recado_subscription WHERE reference = ?;

-- name: drop_audit
DELETE FROM recado_audit WHERE reference = ?;

-- name: drop_pauses
DELETE FROM recado_pause WHERE bot = ? AND name = ?;

-- name: drop_pace
DELETE FROM recado_pace WHERE bot = ? AND name = ?;

-- name: drop_asks
DELETE FROM recado_ask WHERE bot = ? AND name = ?;

-- name: drop_local_activities
DELETE FROM recado_local_activity WHERE conversation = ?;

-- name: drop_local_conversation
DELETE FROM recado_local_conversation WHERE id = ?;

-- name: drop_members
DELETE FROM recado_member WHERE reference = ?;

-- What is kept under a name ---------------------------------------------------------------------

-- name: rosters
SELECT r.* FROM recado_roster AS r JOIN recado_reference AS t ON t.number = r.reference
WHERE t.bot = :bot AND (r.user_id = :name OR r.aad_object_id = :name OR r.email = :name
    OR r.principal_name = :name);

-- name: consents
SELECT * FROM recado_consent WHERE bot = ? AND identity = ? AND kind = 'person';

-- name: preferences
SELECT * FROM recado_recipient WHERE bot = ? AND name = ?;

-- name: counts
SELECT * FROM recado_counted WHERE bot = ? AND name = ?;

-- name: states
-- What a bot keeps under a key, and under those that begin with it and a slash.
SELECT * FROM recado_state WHERE bot = :bot AND (
    key = :key OR (key > CAST(:key AS text) || '/' AND key < CAST(:key AS text) || '0')
);

-- name: in_groups
SELECT m.* FROM recado_member AS m JOIN recado_reference AS r ON r.number = m.reference
WHERE r.bot = :bot AND (m.user_id = :name OR m.aad_object_id = :name OR m.email = :name);

-- name: drop_rosters
DELETE FROM recado_roster WHERE (user_id = :name OR aad_object_id = :name OR email = :name
    OR principal_name = :name)
AND EXISTS (SELECT 1 FROM recado_reference AS t WHERE t.number = reference AND t.bot = :bot);

-- name: drop_consents
DELETE FROM recado_consent WHERE bot = ? AND identity = ? AND kind = 'person';

-- name: drop_consents_now
DELETE FROM recado_consent_now WHERE bot = ? AND identity = ? AND kind = 'person';

-- name: drop_preferences
DELETE FROM recado_recipient WHERE bot = ? AND name = ?;

-- name: drop_counts
DELETE FROM recado_counted WHERE bot = ? AND name = ?;

-- name: drop_states
DELETE FROM recado_state WHERE bot = :bot AND (
    key = :key OR (key > CAST(:key AS text) || '/' AND key < CAST(:key AS text) || '0')
);

-- name: drop_from_groups
DELETE FROM recado_member WHERE (user_id = :name OR aad_object_id = :name OR email = :name)
AND EXISTS (SELECT 1 FROM recado_reference AS r WHERE r.number = reference AND r.bot = :bot);

-- What may name somebody anywhere, read a portion at a time -------------------------------------

-- name: every_notification
SELECT * FROM recado_notification WHERE number > ? AND bot = ? ORDER BY number LIMIT ?;

-- name: every_reference
SELECT * FROM recado_reference WHERE number > ? AND bot = ? ORDER BY number LIMIT ?;

-- name: every_job
SELECT * FROM recado_job WHERE (tenant, number) > (?, ?) AND bot = ?
ORDER BY tenant, number LIMIT ?;

-- name: every_once
SELECT * FROM recado_once WHERE (key, reference) > (?, ?) AND bot = ?
ORDER BY key, reference LIMIT ?;

-- name: every_work
SELECT * FROM recado_work WHERE id > ? AND bot = ? ORDER BY id LIMIT ?;

-- name: every_watch
SELECT * FROM recado_watch WHERE number > ? AND bot = ? ORDER BY number LIMIT ?;

-- name: every_schedule
SELECT * FROM recado_schedule WHERE id > ? AND bot = ? ORDER BY id LIMIT ?;

-- name: every_question
SELECT q.* FROM recado_question AS q JOIN recado_reference AS r ON r.number = q.reference
WHERE q.delivery > ? AND r.bot = ? ORDER BY q.delivery LIMIT ?;

-- name: every_consent
SELECT * FROM recado_consent WHERE id > ? AND bot = ? ORDER BY id LIMIT ?;

-- name: every_audit
SELECT * FROM recado_audit WHERE number > ? AND bot = ? ORDER BY number LIMIT ?;

-- name: every_local_conversation
SELECT * FROM recado_local_conversation WHERE id > ? ORDER BY id LIMIT ?;

-- name: every_local_activity
SELECT * FROM recado_local_activity WHERE (conversation, position) > (?, ?)
ORDER BY conversation, position LIMIT ?;

-- name: blank_notification
-- It was for them alone, or about them.
UPDATE recado_notification SET audience = :audience, "user" = NULL, value = NULL,
    collapse_key = NULL, once_key = NULL, once_every = NULL, answer_value = NULL,
    content = CASE WHEN content IS NOT NULL THEN :content END
WHERE number = :number;

-- name: drop_keys
DELETE FROM recado_idempotency WHERE notification = ?;

-- name: readdress
UPDATE recado_notification SET audience = :audience WHERE number = :number;

-- name: of_notification
SELECT id FROM recado_delivery WHERE notification = ? LIMIT ?;

-- name: blank_raw
UPDATE recado_reference SET raw = ? WHERE number = ?;

-- name: drop_once
DELETE FROM recado_once WHERE bot = ? AND key = ? AND reference = ?;

-- name: blank_job
UPDATE recado_job SET "user" = NULL, title = NULL, source = NULL, result = NULL
WHERE bot = ? AND tenant = ? AND number = ?;

-- name: drop_work
DELETE FROM recado_work WHERE id = ?;

-- name: drop_firings_of
DELETE FROM recado_firing WHERE watch = ?;

-- name: drop_watch
DELETE FROM recado_watch WHERE number = ?;

-- name: drop_occurrences_of
DELETE FROM recado_occurrence WHERE schedule = ?;

-- name: drop_lanes_of
DELETE FROM recado_schedule_lane WHERE schedule = ?;

-- name: readdress_schedule
UPDATE recado_schedule SET audience = :audience WHERE id = :id;

-- name: drop_schedule
DELETE FROM recado_schedule WHERE id = ?;

-- name: drop_question
DELETE FROM recado_question WHERE delivery = ?;

-- name: blank_audit
UPDATE recado_audit SET detail = ? WHERE number = ?;

-- name: blank_by
UPDATE recado_consent SET by_whom = NULL, wording = NULL WHERE id = ?;

-- name: blank_local_conversation
UPDATE recado_local_conversation SET "user" = NULL WHERE id = ?;

-- name: blank_local_activity
UPDATE recado_local_activity SET activity = NULL, key = NULL
WHERE conversation = ? AND position = ?;
