-- name: make_pending
UPDATE recado_delivery
SET state = 'pending', reason = NULL, due_at = NULL, turn = NULL, head_since = NULL,
    -- The time for retries runs on through a backoff; any other wait was not of its making.
    tried_since = CASE WHEN reason = 'backoff' THEN tried_since END, entry = ?
WHERE id = ?;

-- name: behead_free
UPDATE recado_lane SET head = NULL, waiting = 0 WHERE reference = ? AND owner IS NULL;

-- name: hold
UPDATE recado_delivery
SET state = 'held', due_at = NULL, turn = NULL, reason = CASE WHEN EXISTS (
    SELECT 1 FROM recado_reference AS r
    WHERE r.number = recado_delivery.reference AND r.health_reason = 'expected'
) THEN 'no_reference' ELSE 'unreachable' END
WHERE id = ?;

-- name: free_keeping_head
UPDATE recado_lane SET owner = NULL, lease_until = NULL, waiting = 1, ready_at = ?
WHERE reference = ?;

-- name: put_off
-- A lane the channel's pace does not allow to go on before a certain time.
UPDATE recado_lane SET head = NULL, owner = NULL, lease_until = NULL, waiting = 1, ready_at = ?
WHERE reference = ?;

-- name: behead
-- What kept the head has ended; the next one may go at once.
UPDATE recado_lane SET head = NULL, waiting = 0, ready_at = ? WHERE reference = ? AND head = ?
AND owner IS NULL;
