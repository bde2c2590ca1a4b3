-- name: notification
SELECT number, accepted_at, expand_after FROM recado_notification WHERE id = ?;

-- name: counts
SELECT state, count(*) AS many FROM recado_delivery WHERE notification = :number GROUP BY state
UNION ALL
SELECT state, count(*) FROM recado_history WHERE notification = :number GROUP BY state;

-- name: delivery
SELECT * FROM (
    SELECT id, notification, reference, state, reason, attempts, due_at, NULL AS settled_at,
        expires_at, rank, entry
    FROM recado_delivery WHERE id = :id
    UNION ALL
    SELECT id, notification, reference, state, reason, attempts, NULL, settled_at, expires_at,
        rank, NULL
    FROM recado_history WHERE id = :id
) AS d
JOIN (
    SELECT number AS n, id AS notification_id, bot, accepted_at, user, content, handler
    FROM recado_notification
) ON n = d.notification
JOIN (
    SELECT number AS r, id AS reference_id, channel, conversation_id, health
    FROM recado_reference
) ON r = d.reference;

-- name: attempts
-- By number: clocks may go backwards, numbers do not.
SELECT * FROM recado_attempt WHERE delivery = ? ORDER BY number, started_at;

-- name: last_attempts
SELECT a.* FROM recado_attempt AS a
WHERE a.delivery IN (SELECT value FROM json_each(:ids)) AND a.number = (
    SELECT max(b.number) FROM recado_attempt AS b WHERE b.delivery = a.delivery
) ORDER BY a.started_at;

-- name: ahead
-- The one being sent or retried is before all others, whatever its rank.
SELECT count(*) FROM recado_delivery AS d JOIN recado_lane AS l ON l.reference = d.reference
WHERE d.reference = :reference AND d.state IN ('pending', 'sending', 'retrying')
AND d.id <> :id AND l.head IS NOT :id
AND (d.id IS l.head OR (d.rank, d.entry, d.id) < (:rank, :entry, :id));

-- name: deliveries
-- Both halves are cut before they are joined, so that a page costs a page.
SELECT d.*, n.id AS notification_id, n.bot, n.accepted_at, n.user, r.id AS reference_id FROM (
    SELECT * FROM (
        SELECT id, notification, reference, state, reason, attempts, due_at,
            NULL AS settled_at, expires_at
        FROM recado_delivery
        WHERE id < :before AND (:state IS NULL OR state = :state)
        AND (:notification IS NULL OR notification = :notification)
        AND (:reference IS NULL OR reference = :reference)
        ORDER BY id DESC LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT id, notification, reference, state, reason, attempts, NULL AS due_at,
            settled_at, expires_at
        FROM recado_history
        WHERE id < :before AND (:state IS NULL OR state = :state)
        AND (:notification IS NULL OR notification = :notification)
        AND (:reference IS NULL OR reference = :reference)
        ORDER BY id DESC LIMIT :limit
    )
) AS d
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
ORDER BY d.id DESC LIMIT :limit;

-- name: notification_number
SELECT number FROM recado_notification WHERE id = ?;

-- name: reference_number
SELECT number FROM recado_reference WHERE id = ?;

-- name: state
SELECT state, reference FROM recado_delivery WHERE id = :id
UNION ALL SELECT state, reference FROM recado_history WHERE id = :id;

-- name: ready_now
UPDATE recado_lane SET ready_at = ? WHERE reference = ? AND head = ? AND owner IS NULL;

-- name: backlog
SELECT state, count(*) AS many FROM recado_delivery GROUP BY state;

-- name: oldest
SELECT min(n.due_at) FROM recado_delivery AS d
JOIN recado_notification AS n ON n.number = d.notification
WHERE d.state IN ('pending', 'retrying');

-- name: totals
SELECT (SELECT count(*) FROM recado_reference) AS reference_count,
    (SELECT count(*) FROM recado_notification WHERE expand_after IS NOT NULL) AS expanding;
