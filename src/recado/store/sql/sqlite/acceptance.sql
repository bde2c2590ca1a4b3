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
-- Many that begin alike, each by its id with its lane. In one statement they cost half of a
-- statement for each.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, due_at, expires_at, turn
)
SELECT key, :notification, value, :state, :reason, :priority, :rank, :entry, :due_at,
    :expires_at, :turn
FROM json_each(:deliveries);

-- name: collapsed
-- Unsent deliveries that a newer version makes pointless. CROSS JOIN, because SQLite would begin
-- with every notification that ever had the key. A change of what was said earlier is no version
-- of its own, and what an update says instead is as old as its original.
SELECT d.id FROM (
    SELECT id, notification FROM recado_delivery
    WHERE reference = :lane AND state IN ('pending', 'sending', 'retrying') AND state <> 'sending'
    AND target IS NULL
    UNION ALL
    SELECT id, notification FROM recado_delivery
    WHERE reference = :lane AND state IN ('scheduled', 'held') AND target IS NULL
) AS d CROSS JOIN recado_notification AS n ON n.number = d.notification
WHERE n.bot = :bot AND n.collapse_key = :key
AND coalesce(n.target, n.number) < :version;

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
            WHERE h.notification = n.number AND h.reference = :lane AND h.target IS NULL
        )
    )
);

-- name: expanding
-- One that is paused waits with what it has made.
SELECT number, bot, audience, collapse_key, priority, accepted_at, due_at, expires_at, entry,
    expand_after, expand_until, expand_within, expand_person, expand_known, after_turn,
    after_turn_lane, target
FROM recado_notification AS n WHERE expand_after IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM recado_pause AS p WHERE p.kind = 'notification' AND p.bot = n.bot
    AND p.channel = '' AND p.tenant = '' AND p.name = n.id
) ORDER BY number LIMIT 1;

-- name: expanded_to
UPDATE recado_notification SET expand_after = ?, expand_person = ? WHERE number = ?;
