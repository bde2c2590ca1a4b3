-- What is forgotten when it ended long enough ago. The rule is written in store/port/retention.py.

-- name: alone
-- There is one writer at a time anyway.
SELECT 1;

-- name: ended
-- The next deliveries in history, each with whether it may go, and about how many rows go with it.
-- `older` is for databases that keep history by months.
SELECT h.id, 1 + h.attempts AS weight, h.settled_at < :before
    -- a change of it has not left, or of what it followed
    AND NOT EXISTS (SELECT 1 FROM recado_delivery AS d WHERE d.target = h.id)
    AND (h.reason IS NOT 'follow_up' OR NOT EXISTS (
        SELECT 1 FROM recado_delivery AS d WHERE d.target = h.target
    ))
    -- a change looks for what it has to change
    AND NOT EXISTS (
        SELECT 1 FROM recado_notification AS n CROSS JOIN recado_notification AS c
        WHERE n.number = h.notification AND c.copies_after IS NOT NULL
        AND c.target = coalesce(n.target, n.number)
    )
    -- an older version of it is being expanded, which ends where this one was sent
    AND NOT EXISTS (
        SELECT 1 FROM recado_notification AS n CROSS JOIN recado_notification AS e
        WHERE n.number = h.notification AND e.expand_after IS NOT NULL
        AND e.bot = n.bot AND e.collapse_key = n.collapse_key
    ) AS outlived
FROM recado_history AS h WHERE h.id > :after AND h.id < max(:until, :older)
ORDER BY h.id LIMIT :limit;

-- name: forget_history
DELETE FROM recado_history WHERE id IN (SELECT value FROM json_each(?));

-- name: forget_attempts
DELETE FROM recado_attempt WHERE delivery IN (SELECT value FROM json_each(?));

-- name: forget_sends
DELETE FROM recado_send WHERE delivery IN (SELECT value FROM json_each(?));

-- name: keep_from_changes
-- Nobody accepts a change of these until the end of the transaction.
SELECT number FROM recado_notification WHERE number IN (SELECT value FROM json_each(?));

-- name: changes
SELECT number FROM recado_notification
WHERE target IN (SELECT value FROM json_each(:roots)) ORDER BY target, number LIMIT :limit;

-- name: forget_copies
DELETE FROM recado_copy WHERE (root, delivery) IN (
    SELECT root, delivery FROM recado_copy
    WHERE root IN (SELECT value FROM json_each(:roots)) LIMIT :limit
);

-- name: forget_keys
DELETE FROM recado_idempotency WHERE notification IN (SELECT value FROM json_each(?));

-- name: forget_pauses
DELETE FROM recado_pause WHERE kind = 'notification' AND (bot, name) IN (
    SELECT bot, id FROM recado_notification WHERE number IN (SELECT value FROM json_each(?))
);

-- name: forget_notifications
DELETE FROM recado_notification WHERE number IN (SELECT value FROM json_each(?));
