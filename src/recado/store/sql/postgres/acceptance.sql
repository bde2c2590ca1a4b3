-- name: insert
INSERT INTO recado_notification (
    id, bot, audience, content, handler, value, value_type, "user", priority, on_unknown, mode,
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
SELECT made.key, CAST(:notification AS bigint), CAST(made.value AS bigint), CAST(:state AS text),
    CAST(:reason AS text), CAST(:priority AS int), CAST(:rank AS int), CAST(:entry AS bigint),
    CAST(:due_at AS bigint), CAST(:expires_at AS bigint), CAST(:turn AS text)
FROM json_each_text(CAST(:deliveries AS json)) AS made;

-- name: collapsed
-- Unsent deliveries that a newer version makes pointless. A change of what was said earlier is no
-- version of its own, and what an update says instead is as old as its original.
SELECT d.id FROM (
    SELECT id, notification FROM recado_delivery
    WHERE reference = :lane AND state IN ('pending', 'retrying') AND target IS NULL
    UNION ALL
    SELECT id, notification FROM recado_delivery
    WHERE reference = :lane AND state IN ('scheduled', 'held') AND target IS NULL
) AS d JOIN recado_notification AS n ON n.number = d.notification
WHERE n.bot = :bot AND n.collapse_key = :key
AND coalesce(n.target, n.number) < :version;

-- name: enqueued
-- What was accepted in the transactions of others, each with its notification; it is in the order
-- it was accepted in. What somebody else holds is passed over.
SELECT d.id, d.reference, n.number, n.bot, n.priority, n.entry, n.accepted_at, n.due_at,
    n.expires_at, n.collapse_key, n.after_turn, n.after_turn_lane, n.target
FROM recado_delivery AS d
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
WHERE d.state = 'scheduled' AND d.reason = 'enqueued'
ORDER BY d.entry, d.id LIMIT ?
FOR NO KEY UPDATE OF d, r SKIP LOCKED;

-- name: expanding
-- One that is paused waits with what it has made; one that another process expands is its.
SELECT number, bot, audience, collapse_key, priority, accepted_at, due_at, expires_at, entry,
    expand_after, expand_until, expand_within, expand_person, expand_known, after_turn,
    after_turn_lane, target
FROM recado_notification AS n WHERE expand_after IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM recado_pause AS p WHERE p.kind = 'notification' AND p.bot = n.bot
    AND p.channel = '' AND p.tenant = '' AND p.name = n.id
) ORDER BY number LIMIT 1
FOR UPDATE OF n SKIP LOCKED;
