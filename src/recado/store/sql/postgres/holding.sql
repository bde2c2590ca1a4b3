-- name: halts
-- Which notifications are paused, whether any conversation is, and whether anybody has hours of
-- their own. Mostly nothing.
SELECT kind, name FROM recado_pause WHERE kind = 'notification'
UNION ALL
(SELECT kind, '' FROM recado_pause WHERE kind = 'conversation' LIMIT 1)
UNION ALL
SELECT * FROM (
    SELECT 'hours', '' FROM recado_recipient
    WHERE quiet IS NOT NULL OR windows IS NOT NULL LIMIT 1
) AS any_hours;

-- name: paused_lanes
SELECT r.number AS lane, r.route
FROM recado_reference AS r JOIN recado_pause AS p ON p.kind = 'conversation' AND p.bot = r.bot
    AND p.channel = '' AND p.tenant = '' AND p.name = r.id
WHERE r.number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
));

-- name: put_aside
-- A retrying head stays, and `ready_at` with it.
UPDATE recado_lane SET waiting = 2
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: take_up
UPDATE recado_lane SET waiting = CAST(head IS NOT NULL AS int) WHERE waiting = 2 AND reference = ?;

-- name: hold
-- Its entry stays: that is its place when it comes back.
UPDATE recado_delivery
SET state = 'held', reason = 'paused', due_at = NULL, head_since = NULL
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value));

-- name: resumed
-- What was held for notifications that are paused no more: one step for each notification. Each
-- with its conversation; what somebody else holds is passed over.
WITH RECURSIVE due (notification) AS (
    SELECT min(notification) FROM recado_delivery WHERE state = 'held' AND reason = 'paused'
    UNION ALL
    SELECT (
        SELECT min(notification) FROM recado_delivery
        WHERE state = 'held' AND reason = 'paused' AND notification > due.notification
    ) FROM due WHERE due.notification IS NOT NULL
)
SELECT d.id FROM due AS h
JOIN recado_notification AS n ON n.number = h.notification
JOIN recado_delivery AS d ON d.notification = n.number AND d.state = 'held' AND d.reason = 'paused'
JOIN recado_reference AS r ON r.number = d.reference
WHERE NOT EXISTS (
    SELECT 1 FROM recado_pause AS p WHERE p.kind = 'notification' AND p.bot = n.bot
    AND p.channel = '' AND p.tenant = '' AND p.name = n.id
) LIMIT ?
FOR NO KEY UPDATE OF d, r SKIP LOCKED;

-- name: let_back
UPDATE recado_delivery
SET state = 'pending', reason = NULL, due_at = NULL, head_since = NULL, tried_since = NULL
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value));
