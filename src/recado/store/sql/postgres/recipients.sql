-- name: of_lanes
-- These conversations, with the people of the private ones: a row for each.
SELECT r.number, r.id, r.bot, r.timezone, m.user_id, m.aad_object_id, m.email
FROM recado_reference AS r
LEFT JOIN recado_member AS m ON m.reference = r.number AND NOT r.is_group
    AND coalesce(r.conversation_type, 'personal') = 'personal'
WHERE r.number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: of_person
-- A person's private chats, with what they are called there, the one they were last seen in first.
SELECT r.number, r.timezone, m.user_id, m.aad_object_id, m.email
FROM recado_member AS m JOIN recado_reference AS r ON r.number = m.reference
WHERE r.bot = :bot AND NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal'
AND (m.reference, m.user_id) IN (
    SELECT reference, user_id FROM recado_member WHERE user_id = CAST(:name AS text)
    UNION SELECT reference, user_id FROM recado_member WHERE aad_object_id = CAST(:name AS text)
    UNION SELECT reference, user_id FROM recado_member WHERE email = :email
)
ORDER BY r.last_seen DESC, r.number;

-- name: told
-- What these have said.
SELECT name, zone, quiet, windows, changed_at FROM recado_recipient
WHERE bot = :bot
AND name = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(:names AS json)) AS value))
ORDER BY changed_at DESC, name;

-- name: waiting_for_window
-- What is held for the hours of these conversations.
SELECT id, reference FROM recado_delivery
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND state = 'held' AND reason = 'window';

-- name: look_again
UPDATE recado_delivery SET due_at = :now
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value));
