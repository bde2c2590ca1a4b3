-- name: take
-- Of each of these conversations whose recipient it is, and what they were sent of late. The
-- recipient of a private one is its person: the same in each of theirs.
SELECT w.number, w.bot, w.name, c.sent
FROM (
    SELECT r.number, r.bot, coalesce(
        (
            SELECT 'user:' || lower(coalesce(m.aad_object_id, m.user_id)) FROM recado_member AS m
            WHERE m.reference = r.number AND NOT r.is_group
            AND coalesce(r.conversation_type, 'personal') = 'personal'
            ORDER BY m.user_id LIMIT 1
        ),
        'conversation:' || r.id
    ) AS name
    FROM json_each(?) AS wanted
    CROSS JOIN recado_reference AS r ON r.number = wanted.value
) AS w
LEFT JOIN recado_counted AS c ON c.bot = w.bot AND c.name = w.name;

-- name: look
-- The same for one.
SELECT c.sent FROM (
    SELECT x.bot, coalesce(
        (
            SELECT 'user:' || lower(coalesce(m.aad_object_id, m.user_id)) FROM recado_member AS m
            WHERE m.reference = x.number AND NOT x.is_group
            AND coalesce(x.conversation_type, 'personal') = 'personal'
            ORDER BY m.user_id LIMIT 1
        ),
        'conversation:' || x.id
    ) AS name
    FROM recado_reference AS x WHERE x.number = ?
) AS w
CROSS JOIN recado_counted AS c ON c.bot = w.bot AND c.name = w.name;

-- name: put
-- Each is a bot, a name, what was sent and when the latest was.
INSERT INTO recado_counted (bot, name, sent, last_at)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]')
FROM json_each(?) WHERE true
ON CONFLICT (bot, name) DO UPDATE SET sent = excluded.sent, last_at = excluded.last_at;

-- name: hold_behind
-- What stands behind one that is held, and would be held as well when its turn comes: of its
-- category, or of any if that is null.
UPDATE recado_delivery SET state = 'held', reason = 'cap', due_at = :until, head_since = NULL
WHERE reference = :lane AND state IN ('pending', 'sending', 'retrying') AND state = 'pending'
AND priority > 0 AND notification IN (
    SELECT n.number FROM recado_notification AS n
    WHERE n.number = recado_delivery.notification AND n.asked_at IS NULL AND n.action = 'send'
    AND (:category IS NULL OR n.category = :category)
);

-- name: forget
DELETE FROM recado_counted WHERE (bot, name) IN (
    SELECT bot, name FROM recado_counted WHERE last_at < ? ORDER BY last_at LIMIT ?
);

-- name: look_again
-- What waits for room in these conversations, and in the others of their people.
UPDATE recado_delivery SET due_at = :now
WHERE reference IN (
    SELECT value FROM json_each(:lanes)
    UNION
    SELECT o.reference FROM json_each(:lanes) AS lane
    CROSS JOIN recado_reference AS r ON r.number = lane.value
    CROSS JOIN recado_member AS m ON m.reference = r.number
    CROSS JOIN recado_member AS o ON o.user_id = m.user_id OR o.aad_object_id = m.aad_object_id
    WHERE NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal'
)
AND state IN ('scheduled', 'held') AND state = 'held' AND reason = 'cap' AND due_at > :now;
