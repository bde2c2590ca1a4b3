-- name: routes
-- The routes with due lanes of one priority: the index is entered once for each of them, however
-- many lanes wait there.
WITH RECURSIVE due (number) AS (
    SELECT min(route) FROM recado_lane WHERE owner IS NULL AND waiting = 0 AND priority = :priority
    UNION ALL
    SELECT (
        SELECT min(route) FROM recado_lane
        WHERE owner IS NULL AND waiting = 0 AND priority = :priority AND route > due.number
    ) FROM due WHERE due.number IS NOT NULL
)
SELECT r.number, r.bot, r.channel, r.tenant, r.service_url
FROM due JOIN recado_route AS r ON r.number = due.number;

-- name: place
-- Where a delivery that has not ended is now.
SELECT reference FROM recado_delivery WHERE id = ?;

-- name: hand_back
UPDATE recado_delivery
SET state = ?, attempts = attempts - 1,
    tried_since = CASE WHEN attempts > 1 THEN tried_since END,
    head_since = CASE WHEN attempts > 1 THEN head_since END
WHERE id = ? AND state = 'sending';

-- name: park
UPDATE recado_delivery SET state = 'unknown', reason = ?, due_at = NULL WHERE id = ?;

-- name: turn_ended
UPDATE recado_notification SET after_turn = NULL WHERE after_turn = ?;

-- name: record_send
INSERT INTO recado_send (delivery, number, activity_id) VALUES (?, ?, ?)
ON CONFLICT (delivery, number) DO UPDATE SET activity_id = excluded.activity_id;

-- name: recorded_sends
SELECT number, activity_id FROM recado_send WHERE delivery = ? ORDER BY number;
