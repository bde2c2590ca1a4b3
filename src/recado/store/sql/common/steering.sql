-- name: state
SELECT state, reference FROM recado_delivery WHERE id = :id
UNION ALL SELECT state, reference FROM recado_history WHERE id = :id;

-- name: ready_now
UPDATE recado_lane SET ready_at = ?, waiting = 1
WHERE reference = ? AND head = ? AND owner IS NULL;

-- name: end_expansion
UPDATE recado_notification SET
    cancelled_at = coalesce(cancelled_at, :now),
    cancelled_after = coalesce(cancelled_after, expand_after),
    expand_after = NULL, copies_after = NULL
WHERE id = :id;

-- name: of_key
SELECT n.id FROM recado_idempotency AS i JOIN recado_notification AS n ON n.number = i.notification
WHERE i.bot = ? AND i.scope = ? AND i.key = ?;
