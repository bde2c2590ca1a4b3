-- name: known_key
SELECT i.fingerprint, i.notification, n.id, n.accepted_at
FROM recado_idempotency AS i JOIN recado_notification AS n ON n.number = i.notification
WHERE i.bot = ? AND i.scope = ? AND i.key = ?;

-- name: keep_key
INSERT INTO recado_idempotency (bot, scope, key, fingerprint, notification, accepted_at)
VALUES (?, ?, ?, ?, ?, ?);

-- name: delivery_ids
SELECT id FROM recado_delivery WHERE notification = :notification
UNION ALL SELECT id FROM recado_history WHERE notification = :notification
ORDER BY id;

-- name: last_reference
SELECT coalesce(max(number), 0) FROM recado_reference WHERE bot = ?;

-- name: newer
-- Whether a newer version came before this one: a broadcast takes its time.
SELECT EXISTS (
    SELECT 1 FROM recado_notification AS n
    WHERE n.bot = :bot AND n.collapse_key = :key
    AND n.number > :version AND coalesce(n.target, n.number) > :version AND (
        EXISTS (
            SELECT 1 FROM recado_delivery AS d
            WHERE d.notification = n.number AND d.reference = :lane AND d.target IS NULL
        ) OR EXISTS (
            SELECT 1 FROM recado_history AS h
            -- found by its notification, which has fewer there than the conversation
            WHERE h.notification = n.number AND +h.reference = :lane AND h.target IS NULL
        )
    )
);

-- name: take_up
DELETE FROM recado_delivery WHERE id = ?;

-- name: expanded_to
UPDATE recado_notification SET expand_after = ?, expand_person = ? WHERE number = ?;
