-- name: halts
-- Which notifications are paused, whether any conversation is, and whether anybody has hours of
-- their own. Mostly nothing.
SELECT kind, name FROM recado_pause WHERE kind = 'notification'
UNION ALL
SELECT * FROM (SELECT kind, '' FROM recado_pause WHERE kind = 'conversation' LIMIT 1)
UNION ALL
SELECT * FROM (
    SELECT 'hours', '' FROM recado_recipient
    WHERE quiet IS NOT NULL OR windows IS NOT NULL LIMIT 1
);

-- name: paused_lanes
-- CROSS JOIN: from the lanes that are asked for, not from all that are paused.
SELECT r.number AS lane, r.route FROM json_each(:lanes) AS wanted
CROSS JOIN recado_reference AS r ON r.number = wanted.value
CROSS JOIN recado_pause AS p ON p.kind = 'conversation' AND p.bot = r.bot AND p.channel = ''
    AND p.tenant = '' AND p.name = r.id;

-- name: put_aside
-- A retrying head stays, and `ready_at` with it.
UPDATE recado_lane SET waiting = 2 WHERE reference IN (SELECT value FROM json_each(?));

-- name: take_up
UPDATE recado_lane SET waiting = head IS NOT NULL WHERE waiting = 2 AND reference = ?;

-- name: hold
-- Its entry stays: that is its place when it comes back.
UPDATE recado_delivery
SET state = 'held', reason = 'paused', due_at = NULL, head_since = NULL
WHERE id IN (SELECT value FROM json_each(?));

-- name: resumed
-- What was held for notifications that are paused no more: one step for each notification.
WITH RECURSIVE due (notification) AS (
    SELECT min(notification) FROM recado_delivery WHERE state = 'held' AND reason = 'paused'
    UNION ALL
    SELECT (
        SELECT min(notification) FROM recado_delivery
        WHERE state = 'held' AND reason = 'paused' AND notification > due.notification
    ) FROM due WHERE due.notification IS NOT NULL
)
SELECT d.id FROM due AS h
CROSS JOIN recado_notification AS n ON n.number = h.notification
CROSS JOIN recado_delivery AS d ON d.notification = n.number
    AND d.state = 'held' AND d.reason = 'paused'
WHERE NOT EXISTS (
    SELECT 1 FROM recado_pause AS p WHERE p.kind = 'notification' AND p.bot = n.bot
    AND p.channel = '' AND p.tenant = '' AND p.name = n.id
) LIMIT ?;

-- name: let_back
UPDATE recado_delivery
SET state = 'pending', reason = NULL, due_at = NULL, head_since = NULL, tried_since = NULL
WHERE id IN (SELECT value FROM json_each(?));
