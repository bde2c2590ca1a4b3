-- name: by_id
SELECT * FROM recado_schedule WHERE id = ?;

-- name: by_key
SELECT * FROM recado_schedule WHERE bot = ? AND key = ? AND state <> 'cancelled';

-- name: cancelled_by_key
SELECT * FROM recado_schedule WHERE bot = ? AND key = ? AND state = 'cancelled'
ORDER BY id DESC LIMIT 1;

-- name: page
SELECT * FROM recado_schedule WHERE bot = :bot AND id < :before
ORDER BY id DESC LIMIT :limit;

-- name: page_of_state
SELECT * FROM recado_schedule WHERE bot = :bot AND state = :state AND id < :before
ORDER BY id DESC LIMIT :limit;

-- name: next
SELECT next_at FROM recado_schedule WHERE bot = ? AND state = 'active'
AND next_at IS NOT NULL ORDER BY next_at LIMIT 1;

-- name: insert
INSERT INTO recado_schedule (
    id, bot, key, fingerprint, state, revision, audience, content, options, user_id,
    expires_after, asked_at, unless_spoken, rule, zone, starts_at, until, jitter, misfire,
    late_limit, title, created_at, reached, occurrence, next_at, fired
) VALUES (
    :id, :bot, :key, :fingerprint, :state, 0, :audience, :content, :options, :user_id,
    :expires_after, :asked_at, :unless_spoken, :rule, :zone, :starts_at, :until, :jitter, :misfire,
    :late_limit, :title, :created_at, :reached, :occurrence, :next_at, 0
);

-- name: insert_lane
INSERT INTO recado_schedule_lane (reference, schedule) VALUES (?, ?);

-- name: advance
UPDATE recado_schedule SET revision = revision + 1, state = :state, reason = :reason,
    reached = :reached, occurrence = :occurrence, next_at = :next_at, fired = fired + :said,
    last_fired_at = coalesce(:fired_at, last_fired_at), ended_at = :ended_at
WHERE id = :id AND revision = :revision AND state = 'active';

-- name: note
INSERT INTO recado_occurrence (schedule, occurrence, kind, fired_at, notification, detail)
VALUES (:schedule, :occurrence, :kind, :fired_at, :notification, :detail)
ON CONFLICT (schedule, occurrence, kind) DO NOTHING;

-- name: firings
SELECT * FROM recado_occurrence WHERE schedule = ? ORDER BY occurrence DESC, kind LIMIT ?;

-- name: firing_of
SELECT * FROM recado_occurrence WHERE notification = ?;

-- name: spoken
-- Whether somebody has spoken since: the person it is about, or else anybody who is there.
SELECT EXISTS (
    SELECT 1 FROM recado_schedule_lane AS l
    JOIN recado_member AS m ON m.reference = l.reference
    WHERE l.schedule = :id AND m.last_seen > :since
    AND (CAST(:user_id AS text) IS NULL OR m.user_id = :user_id)
);

-- name: pause
UPDATE recado_schedule SET revision = revision + 1, state = 'paused', reason = NULL
WHERE id = ? AND revision = ? AND state = 'active';

-- name: retime
UPDATE recado_schedule SET revision = revision + 1, state = 'active', reason = NULL,
    rule = :rule, zone = :zone, starts_at = :starts_at, until = :until, reached = :reached,
    occurrence = :occurrence, next_at = :next_at
WHERE id = :id AND revision = :revision AND state IN ('active', 'paused');

-- name: cancel
UPDATE recado_schedule SET revision = revision + 1, state = 'cancelled', reason = NULL,
    ended_at = ?
WHERE id = ? AND revision = ? AND state IN ('active', 'paused');

-- name: forget_occurrences
DELETE FROM recado_occurrence WHERE (schedule, occurrence, kind) IN (
    SELECT schedule, occurrence, kind FROM recado_occurrence WHERE fired_at < :before
    ORDER BY fired_at LIMIT :limit
);

-- name: ended
SELECT id FROM recado_schedule WHERE ended_at IS NOT NULL AND ended_at < :before
ORDER BY ended_at LIMIT :limit;

-- name: forget_lanes
DELETE FROM recado_schedule_lane WHERE schedule = ?;

-- name: forget_its_occurrences
DELETE FROM recado_occurrence WHERE schedule = ?;

-- name: forget
DELETE FROM recado_schedule WHERE id = ?;
