-- name: due
SELECT * FROM recado_schedule WHERE bot = ? AND state = 'active' AND next_at <= ?
ORDER BY next_at LIMIT ?;

-- name: hold
-- Here nobody else writes meanwhile.
SELECT id, revision FROM recado_schedule WHERE id IN (
    SELECT value FROM json_each(?)
);

-- name: page_of_lanes
SELECT s.* FROM recado_schedule AS s WHERE s.bot = :bot AND s.id < :before AND s.id IN (
    SELECT l.schedule FROM recado_schedule_lane AS l WHERE l.reference IN (
        SELECT value FROM json_each(:lanes)
    )
)
AND (CAST(:state AS text) IS NULL OR s.state = :state) AND (CAST(:user_id AS text) IS NULL OR s.user_id = :user_id)
ORDER BY s.id DESC LIMIT :limit;

-- name: upcoming
SELECT s.* FROM recado_schedule AS s WHERE s.bot = :bot AND s.state = 'active' AND s.id IN (
    SELECT l.schedule FROM recado_schedule_lane AS l WHERE l.reference IN (
        SELECT value FROM json_each(:lanes)
    )
)
AND s.next_at IS NOT NULL AND (CAST(:user_id AS text) IS NULL OR s.user_id = :user_id)
ORDER BY s.next_at, s.id LIMIT :limit;
