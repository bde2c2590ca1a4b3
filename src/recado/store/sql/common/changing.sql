-- name: recalled
SELECT id, number, accepted_at FROM recado_notification
WHERE target = ? AND action = 'recall' ORDER BY number LIMIT 1;

-- name: stop_others
-- Only the newest change goes on, so that no copy is looked at by two of them.
UPDATE recado_notification SET expand_after = NULL, copies_after = NULL
WHERE (number = :root OR target = :root) AND number <> :change
AND (expand_after IS NOT NULL OR copies_after IS NOT NULL);

-- name: change
SELECT number, bot, action, target, copies_after, priority, expand_after, after_turn,
    after_turn_lane
FROM recado_notification WHERE number = ?;

-- name: looked_at
UPDATE recado_notification SET copies_after = ? WHERE number = ?;

-- name: keep_copy
INSERT INTO recado_copy (root, delivery) VALUES (?, ?);

-- name: drop_copy
DELETE FROM recado_copy WHERE root = ? AND delivery = ?;

-- name: wait_for_copy
UPDATE recado_delivery SET state = :state, reason = :reason, due_at = :due_at, head_since = NULL
WHERE id = :id;

-- name: become_copy
-- Its copy has not left after all: it is sent in the copy's place.
UPDATE recado_delivery SET state = :state, reason = :reason, due_at = :due_at, head_since = NULL,
    target = NULL, entry = c.entry, expires_at = c.expires_at, turn = c.turn
FROM recado_delivery AS c WHERE c.id = :copy AND recado_delivery.id = :id;

-- name: sent_in_place
SELECT (SELECT count(*) FROM recado_delivery WHERE notification = :change AND target IS NULL)
    + (SELECT count(*) FROM recado_history WHERE notification = :change AND target IS NULL);

-- name: recalled_unsent
-- Copies that a recall ended before they left.
SELECT (
    SELECT count(*) FROM recado_history
    WHERE notification = :root AND state = 'cancelled' AND reason = 'recalled'
) + (
    SELECT count(*) FROM recado_copy AS k JOIN recado_history AS h ON h.id = k.delivery
    WHERE k.root = :root AND h.state = 'cancelled' AND h.reason = 'recalled'
);

-- name: unable
SELECT channel, action, since FROM recado_unable WHERE since > ?;
