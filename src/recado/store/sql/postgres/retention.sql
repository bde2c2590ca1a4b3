-- What is forgotten when it ended long enough ago. The rule is written in store/port/retention.py.

-- name: alone
-- Of several processes one forgets at a time; the number is Recado's own and means nothing.
SELECT pg_try_advisory_xact_lock(7308332237861118538);

-- name: ended
-- The next deliveries in history, each with whether it may go, and about how many rows go with it.
-- Of months that have partitions only those before `older`: the others are about to be dropped.
SELECT h.id, 1 + h.attempts AS weight, h.settled_at < :before
    -- a change of it has not left, or of what it followed
    AND NOT EXISTS (SELECT 1 FROM recado_delivery AS d WHERE d.target = h.id)
    AND (h.reason IS DISTINCT FROM 'follow_up' OR NOT EXISTS (
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
FROM (
    SELECT * FROM (
        SELECT * FROM recado_history AS x WHERE x.id > :after AND x.id < :older
        ORDER BY x.id LIMIT :limit
    ) AS old
    UNION ALL
    SELECT * FROM (
        SELECT * FROM recado_history_default AS x
        WHERE x.id > :after AND x.id >= :older AND x.id < :until ORDER BY x.id LIMIT :limit
    ) AS never_had_one
) AS h
ORDER BY h.id LIMIT :limit;

-- name: forget_history
DELETE FROM recado_history WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: forget_attempts
DELETE FROM recado_attempt WHERE delivery = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: forget_sends
DELETE FROM recado_send WHERE delivery = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: keep_from_changes
-- Nobody accepts a change of these until the end of the transaction.
SELECT number FROM recado_notification WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
)) ORDER BY number FOR UPDATE;

-- name: changes
SELECT number FROM recado_notification
WHERE target = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:roots AS json)) AS value
)) ORDER BY target, number LIMIT :limit;

-- name: forget_copies
DELETE FROM recado_copy WHERE (root, delivery) IN (
    SELECT root, delivery FROM recado_copy
    WHERE root = ANY(ARRAY(
        SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:roots AS json)) AS value
    )) LIMIT :limit
);

-- name: forget_keys
DELETE FROM recado_idempotency WHERE notification = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: forget_pauses
DELETE FROM recado_pause WHERE kind = 'notification' AND (bot, name) IN (
    SELECT bot, id FROM recado_notification WHERE number = ANY(ARRAY(
        SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
    ))
);

-- name: forget_notifications
DELETE FROM recado_notification WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));
