-- Which deliveries are meant. Each way in goes through the index it is named after; the other
-- conditions are checked on the way. Both halves of a page are cut before they are joined, so that
-- a page costs a page.

-- name: page
SELECT id FROM (
    SELECT * FROM (
        SELECT d.id FROM recado_delivery AS d WHERE d.id < :before
        AND (:states IS NULL OR d.state IN (SELECT value FROM json_each(:states)))
        AND (:reason IS NULL OR d.reason = :reason)
        AND (:reference IS NULL OR d.reference = :reference)
        AND (:bot IS NULL OR :bot = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        )) ORDER BY d.id DESC LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT d.id FROM recado_history AS d WHERE d.id < :before
        AND (:states IS NULL OR d.state IN (SELECT value FROM json_each(:states)))
        AND (:reason IS NULL OR d.reason = :reason)
        AND (:reference IS NULL OR d.reference = :reference)
        AND (:bot IS NULL OR :bot = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        )) ORDER BY d.id DESC LIMIT :limit
    )
) ORDER BY id DESC LIMIT :limit;

-- name: page_of_notification
SELECT id FROM (
    SELECT * FROM (
        SELECT d.id FROM recado_delivery AS d
        WHERE d.notification = :notification AND d.id < :before
        AND (:states IS NULL OR d.state IN (SELECT value FROM json_each(:states)))
        AND (:reason IS NULL OR d.reason = :reason)
        AND (:reference IS NULL OR d.reference = :reference)
        ORDER BY d.id DESC LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT d.id FROM recado_history AS d
        WHERE d.notification = :notification AND d.id < :before
        AND (:states IS NULL OR d.state IN (SELECT value FROM json_each(:states)))
        AND (:reason IS NULL OR d.reason = :reason)
        AND (:reference IS NULL OR d.reference = :reference)
        ORDER BY d.id DESC LIMIT :limit
    )
) ORDER BY id DESC LIMIT :limit;

-- name: page_of_dead
-- The states are named as in the indexes, or SQLite would not use them.
SELECT id FROM (
    SELECT * FROM (
        SELECT d.id FROM recado_delivery AS d WHERE d.state = 'unknown' AND d.id < :before
        AND 'unknown' IN (SELECT value FROM json_each(:states))
        AND (:reason IS NULL OR d.reason = :reason)
        AND (:reference IS NULL OR d.reference = :reference)
        AND (:bot IS NULL OR :bot = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        )) ORDER BY d.id DESC LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT d.id FROM recado_history AS d WHERE d.state = 'rejected' AND d.id < :before
        AND 'rejected' IN (SELECT value FROM json_each(:states))
        AND (:reason IS NULL OR d.reason = :reason)
        AND (:reference IS NULL OR d.reference = :reference)
        AND (:bot IS NULL OR :bot = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        )) ORDER BY d.id DESC LIMIT :limit
    )
) ORDER BY id DESC LIMIT :limit;

-- name: live
-- Oldest first, for steering; so below.
SELECT d.id FROM recado_delivery AS d WHERE d.id > :after
AND d.state IN (SELECT value FROM json_each(:states))
AND (:reason IS NULL OR d.reason = :reason)
AND (:bot IS NULL OR :bot = (SELECT bot FROM recado_notification WHERE number = d.notification))
ORDER BY d.id LIMIT :limit;

-- name: live_of_notification
SELECT d.id FROM recado_delivery AS d WHERE d.notification = :notification AND d.id > :after
AND d.state IN (SELECT value FROM json_each(:states))
AND (:reason IS NULL OR d.reason = :reason)
AND (:reference IS NULL OR d.reference = :reference)
ORDER BY d.id LIMIT :limit;

-- name: live_of_reference
-- One index holds what stands in the lane, the other what waits outside.
SELECT id FROM (
    SELECT d.id, d.state, d.reason, d.notification FROM recado_delivery AS d
    WHERE d.reference = :reference AND d.state IN ('pending', 'sending', 'retrying')
    UNION ALL
    SELECT d.id, d.state, d.reason, d.notification FROM recado_delivery AS d
    WHERE d.reference = :reference AND d.state IN ('scheduled', 'held')
    UNION ALL
    SELECT d.id, d.state, d.reason, d.notification FROM recado_delivery AS d
    WHERE d.state = 'unknown' AND d.reference = :reference
) AS d WHERE d.id > :after
AND d.state IN (SELECT value FROM json_each(:states))
AND (:reason IS NULL OR d.reason = :reason)
ORDER BY d.id LIMIT :limit;

-- name: rejected
SELECT d.id FROM recado_history AS d WHERE d.state = 'rejected' AND d.id > :after
AND (:reason IS NULL OR d.reason = :reason)
AND (:reference IS NULL OR d.reference = :reference)
AND (:bot IS NULL OR :bot = (SELECT bot FROM recado_notification WHERE number = d.notification))
ORDER BY d.id LIMIT :limit;

-- name: rejected_of_notification
SELECT d.id FROM recado_history AS d
WHERE d.notification = :notification AND d.state = 'rejected' AND d.id > :after
AND (:reason IS NULL OR d.reason = :reason)
AND (:reference IS NULL OR d.reference = :reference)
ORDER BY d.id LIMIT :limit;

-- name: deliveries
SELECT d.*, n.id AS notification_id, n.bot, n.accepted_at, n.user, r.id AS reference_id FROM (
    SELECT id, notification, reference, state, reason, attempts, due_at,
        NULL AS settled_at, expires_at, NULL AS activity_id, NULL AS status,
        NULL AS owner, NULL AS begun_at
    FROM recado_delivery WHERE id IN (SELECT value FROM json_each(:ids))
    UNION ALL
    SELECT id, notification, reference, state, reason, attempts, NULL AS due_at,
        settled_at, expires_at, activity_id, status, owner, begun_at
    FROM recado_history WHERE id IN (SELECT value FROM json_each(:ids))
) AS d
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
ORDER BY d.id DESC;

-- name: last_attempts
SELECT a.* FROM recado_attempt AS a
WHERE a.delivery IN (SELECT value FROM json_each(:ids)) AND a.number = (
    SELECT max(b.number) FROM recado_attempt AS b WHERE b.delivery = a.delivery
) ORDER BY a.started_at;
