-- name: take
-- Of each of these conversations whose recipient it is, and what they were sent of late. The
-- recipient of a private one is its person: the same in each of theirs. Their rows are this
-- process's until the end of the transaction: whoever comes to them later reads what it wrote.
WITH wanted AS (
    SELECT r.number, r.bot, coalesce(
        (
            SELECT 'user:' || lower(coalesce(m.aad_object_id, m.user_id)) FROM recado_member AS m
            WHERE m.reference = r.number AND NOT r.is_group
            AND coalesce(r.conversation_type, 'personal') = 'personal'
            ORDER BY m.user_id LIMIT 1
        ),
        'conversation:' || r.id
    ) AS name
    FROM recado_reference AS r
    WHERE r.number = ANY(ARRAY(
        SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
    ))
), taken AS (
    INSERT INTO recado_counted AS c (bot, name, sent, last_at)
    SELECT DISTINCT bot, name, '[]', 0 FROM wanted ORDER BY bot, name
    ON CONFLICT (bot, name) DO UPDATE SET last_at = c.last_at
    RETURNING c.bot, c.name, c.sent
)
SELECT w.number, w.bot, w.name, t.sent
FROM wanted AS w JOIN taken AS t ON t.bot = w.bot AND t.name = w.name;

-- name: look
-- The same for one, of whom nothing is taken.
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
JOIN recado_counted AS c ON c.bot = w.bot AND c.name = w.name;

-- name: put
-- Each is a bot, a name, what was sent and when the latest was.
INSERT INTO recado_counted (bot, name, sent, last_at)
SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS bigint)
FROM json_array_elements(CAST(? AS json)) AS value
ON CONFLICT (bot, name) DO UPDATE SET sent = excluded.sent, last_at = excluded.last_at;

-- name: hold_behind
-- What stands behind one that is held, and would be held as well when its turn comes: of its
-- category, or of any if that is null.
UPDATE recado_delivery AS d
SET state = 'held', reason = 'cap', due_at = :until, head_since = NULL
FROM recado_notification AS n
WHERE d.reference = :lane AND d.state = 'pending' AND d.priority > 0
AND n.number = d.notification AND n.asked_at IS NULL AND n.action = 'send'
AND (CAST(:category AS text) IS NULL OR n.category = CAST(:category AS text));

-- name: forget
DELETE FROM recado_counted WHERE (bot, name) IN (
    SELECT bot, name FROM recado_counted WHERE last_at < ? ORDER BY last_at LIMIT ?
    FOR UPDATE SKIP LOCKED
);

-- name: look_again
-- What waits for room in these conversations, and in the others of their people. What somebody lets
-- in at this moment need not be looked at again.
WITH lane AS (
    SELECT CAST(value AS bigint) AS number
    FROM json_array_elements_text(CAST(:lanes AS json)) AS value
)
UPDATE recado_delivery SET due_at = :now WHERE id IN (
    SELECT d.id FROM recado_delivery AS d
    WHERE d.reference IN (
        SELECT number FROM lane
        UNION
        SELECT o.reference FROM lane JOIN recado_reference AS r ON r.number = lane.number
        JOIN recado_member AS m ON m.reference = r.number
        JOIN recado_member AS o ON o.user_id = m.user_id OR o.aad_object_id = m.aad_object_id
        WHERE NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal'
    )
    AND d.state = 'held' AND d.reason = 'cap' AND d.due_at > :now
    FOR NO KEY UPDATE SKIP LOCKED
);
