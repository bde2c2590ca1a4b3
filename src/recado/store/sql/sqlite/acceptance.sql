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

-- name: insert
INSERT INTO recado_notification (
    id, bot, audience, content, handler, value, value_type, user, priority, on_unknown, mode,
    category, collapse_key, accepted_at, due_at, expires_at, entry, expand_after, expand_until,
    after_turn, after_turn_lane
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: last_reference
SELECT coalesce(max(number), 0) FROM recado_reference WHERE bot = ?;

-- name: healths
SELECT number, health FROM recado_reference WHERE number IN (SELECT value FROM json_each(?));

-- name: insert_deliveries
-- Many rows in one statement cost half of a statement for each.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, due_at, expires_at, turn
)
SELECT json_extract(value, '$[0]'), :notification, json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]'), :priority, :rank, :entry,
    json_extract(value, '$[4]'), :expires_at, json_extract(value, '$[5]')
FROM json_each(:rows);

-- name: collapsed
-- Unsent deliveries that a newer version makes pointless. CROSS JOIN, because SQLite would begin
-- with every notification that ever had the key.
SELECT d.id FROM (
    SELECT id, notification FROM recado_delivery
    WHERE reference = :lane AND state IN ('pending', 'sending', 'retrying') AND state <> 'sending'
    UNION ALL
    SELECT id, notification FROM recado_delivery
    WHERE reference = :lane AND state IN ('scheduled', 'held')
) AS d CROSS JOIN recado_notification AS n ON n.number = d.notification
WHERE n.bot = :bot AND n.collapse_key = :key AND n.number < :notification;

-- name: newer
-- Whether a newer version came before this one: a broadcast takes its time.
SELECT EXISTS (
    SELECT 1 FROM recado_notification AS n
    WHERE n.bot = :bot AND n.collapse_key = :key AND n.number > :notification AND (
        EXISTS (
            SELECT 1 FROM recado_delivery AS d
            WHERE d.notification = n.number AND d.reference = :lane
        ) OR EXISTS (
            SELECT 1 FROM recado_history AS h
            WHERE h.notification = n.number AND h.reference = :lane
        )
    )
);

-- name: expanding
SELECT number, bot, collapse_key, priority, due_at, expires_at, entry, expand_after, expand_until,
    after_turn, after_turn_lane
FROM recado_notification WHERE expand_after IS NOT NULL ORDER BY number LIMIT 1;

-- name: next_recipients
SELECT number, health FROM recado_reference
WHERE bot = :bot AND number > :after AND number <= :until ORDER BY number LIMIT :limit;

-- name: expanded_to
UPDATE recado_notification SET expand_after = ? WHERE number = ?;
