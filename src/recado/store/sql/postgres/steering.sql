-- name: live
SELECT id, state, reference, maybe_sent FROM recado_delivery
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value));

-- name: rejected
-- IN, here and below, so that of the months of history only those are looked into that can have
-- the id.
SELECT id, reference FROM recado_history
WHERE id IN (SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value)
AND state = 'rejected';

-- name: revive
-- Out of history, to stand outside its lane until it enters it a moment later. That it was
-- cancelled while it was being sent counts no more, so it expires when its notification does;
-- changes do not expire.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, expires_at, attempts, target
)
SELECT h.id, h.notification, h.reference, 'held', 'retried', h.priority, h.rank, 0,
    CASE WHEN h.target IS NULL THEN n.expires_at END, h.attempts, h.target
FROM recado_history AS h JOIN recado_notification AS n ON n.number = h.notification
WHERE h.id IN (SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value);

-- name: forget_history
DELETE FROM recado_history
WHERE id IN (SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value);

-- name: go_on
-- It is wanted again, so that it was cancelled while it was being sent counts no more.
UPDATE recado_delivery SET stopped = false, expires_at = (
    SELECT n.expires_at FROM recado_notification AS n WHERE n.number = recado_delivery.notification
)
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value))
AND stopped;

-- name: stop
-- Being sent: if it comes back, it has outlived its use.
UPDATE recado_delivery SET stopped = true, expires_at = :now
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value))
AND state = 'sending';

-- name: park
UPDATE recado_delivery SET state = 'unknown', reason = 'cancelled', due_at = NULL
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value));

-- name: behead
UPDATE recado_lane SET head = NULL, waiting = 0, ready_at = :now
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
))
AND head = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value))
AND owner IS NULL;

-- name: decided
UPDATE recado_history SET decided_by = :by
WHERE id IN (SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value);
