-- name: due
-- What another process has in hands is passed over, so that one that stops there keeps from others
-- no more than that.
SELECT * FROM recado_schedule WHERE bot = ? AND state = 'active' AND next_at <= ?
ORDER BY next_at LIMIT ? FOR SHARE SKIP LOCKED;

-- name: hold
-- Those that another process is at are left to it.
SELECT id, revision FROM recado_schedule WHERE id IN (
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;

-- name: page_of_lanes
SELECT s.* FROM recado_schedule AS s WHERE s.bot = :bot AND s.id < :before AND s.id IN (
    SELECT l.schedule FROM recado_schedule_lane AS l WHERE l.reference IN (
        SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
    )
)
AND (CAST(:state AS text) IS NULL OR s.state = :state) AND (CAST(:user_id AS text) IS NULL OR s.user_id = :user_id)
ORDER BY s.id DESC LIMIT :limit;

-- name: upcoming
SELECT s.* FROM recado_schedule AS s WHERE s.bot = :bot AND s.state = 'active' AND s.id IN (
    SELECT l.schedule FROM recado_schedule_lane AS l WHERE l.reference IN (
        SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
    )
)
AND s.next_at IS NOT NULL AND (CAST(:user_id AS text) IS NULL OR s.user_id = :user_id)
ORDER BY s.next_at, s.id LIMIT :limit;
