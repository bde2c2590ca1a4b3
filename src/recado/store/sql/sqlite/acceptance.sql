-- name: insert
INSERT INTO recado_notification (
    id, bot, audience, content, handler, value, value_type, user, priority, on_unknown, mode,
    category, collapse_key, accepted_at, due_at, expires_at, entry, expand_after, expand_until,
    after_turn, after_turn_lane, quiet, max_wait, asked_at, watch, answer_handler, answer_value,
    answer_within, answer_mark
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING number;

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

-- name: enqueued
-- What was accepted in the transactions of others, each with its notification; it is in the order
-- it was accepted in.
SELECT d.id, d.reference, n.number, n.bot, n.priority, n.entry, n.accepted_at, n.due_at,
    n.expires_at, n.collapse_key, n.after_turn, n.after_turn_lane, n.target
FROM recado_delivery AS d
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
WHERE d.state = 'scheduled' AND d.reason = 'enqueued'
ORDER BY d.entry, d.id LIMIT ?;

-- name: expanding
-- One that is paused waits with what it has made.
SELECT number, bot, audience, collapse_key, priority, accepted_at, due_at, expires_at, entry,
    expand_after, expand_until, expand_within, expand_person, expand_known, after_turn,
    after_turn_lane, target
FROM recado_notification AS n WHERE expand_after IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM recado_pause AS p WHERE p.kind = 'notification' AND p.bot = n.bot
    AND p.channel = '' AND p.tenant = '' AND p.name = n.id
) ORDER BY number LIMIT 1;
