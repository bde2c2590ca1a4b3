-- name: enter
-- The first delivery of a lane makes it; a more urgent one moves the whole lane forward.
INSERT INTO recado_lane (reference, route, priority, ready_at)
SELECT r.number, r.route, :priority, :now FROM json_each(:lanes)
JOIN recado_reference AS r ON r.number = value WHERE true
ON CONFLICT (reference) DO UPDATE SET priority = min(priority, excluded.priority);

-- name: enter_held
INSERT INTO recado_lane (reference, route, priority, ready_at)
SELECT d.reference, r.route, min(d.priority), :now
FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
WHERE d.id IN (SELECT value FROM json_each(:ids)) GROUP BY d.reference
ON CONFLICT (reference) DO UPDATE SET priority = min(priority, excluded.priority);

-- name: take_numbers
UPDATE recado_sequence SET value = value + :count WHERE name = :name RETURNING value;

-- name: unreachable
-- Both states are named as in the index, or SQLite would not use it; so below.
SELECT id FROM recado_delivery
WHERE reference = ? AND state IN ('scheduled', 'held') AND state = 'held'
AND reason = 'unreachable' ORDER BY entry, id;

-- name: hold_standing
UPDATE recado_delivery
SET state = 'held', reason = 'unreachable', due_at = NULL, head_since = NULL
WHERE reference = ? AND state IN ('pending', 'sending', 'retrying') AND state <> 'sending';

-- name: for_the_gone
-- Which of these deliveries are for a conversation that cannot be spoken in.
SELECT d.id FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
WHERE d.id IN (SELECT value FROM json_each(?)) AND r.health NOT IN ('active', 'suspect');

-- name: gone
-- Which of these conversations cannot be spoken in.
SELECT number FROM recado_reference
WHERE number IN (SELECT value FROM json_each(?)) AND health NOT IN ('active', 'suspect');

-- name: free
-- A lane whose settlement leaves nothing to retry: the next one may go at once.
UPDATE recado_lane SET head = NULL, owner = NULL, lease_until = NULL, waiting = 0, ready_at = :now
WHERE reference IN (SELECT value FROM json_each(:lanes));

-- name: drop_freed
-- As drop_empty, for lanes that are about to be given back: most of them are empty now, and need
-- not be written first.
DELETE FROM recado_lane WHERE reference IN (SELECT value FROM json_each(?))
AND NOT EXISTS (
    SELECT 1 FROM recado_delivery AS d
    WHERE d.reference = recado_lane.reference AND d.state IN ('pending', 'sending', 'retrying')
);

-- name: drop_empty
DELETE FROM recado_lane WHERE reference IN (SELECT value FROM json_each(?))
AND owner IS NULL AND NOT EXISTS (
    SELECT 1 FROM recado_delivery AS d
    WHERE d.reference = recado_lane.reference AND d.state IN ('pending', 'sending', 'retrying')
);

-- name: rank_again
-- After the most urgent one has gone, a lane goes back to the priority of what is left. Mostly
-- the first one looked at has it still, so that a long lane is not read to its end each time.
UPDATE recado_lane SET priority = (
    SELECT min(d.priority) FROM recado_delivery AS d
    WHERE d.reference = recado_lane.reference AND d.state IN ('pending', 'sending', 'retrying')
)
WHERE reference IN (SELECT value FROM json_each(?)) AND owner IS NULL AND NOT EXISTS (
    SELECT 1 FROM recado_delivery AS d
    WHERE d.reference = recado_lane.reference AND d.state IN ('pending', 'sending', 'retrying')
    AND d.priority = recado_lane.priority
);

-- name: finish
-- Each by its id, with when it ended and the activity's id. An attempt of which history tells
-- everything began when the last one did.
INSERT INTO recado_history (
    id, notification, reference, state, reason, came_from, priority, rank, expires_at, attempts,
    target, settled_at, activity_id, status, owner, begun_at
)
SELECT d.id, d.notification, d.reference, :state, :reason, d.state, d.priority, d.rank,
    d.expires_at, d.attempts, d.target, json_extract(ended.value, '$[0]'),
    json_extract(ended.value, '$[1]'), :status, :owner,
    CASE WHEN :owner IS NOT NULL THEN d.attempted_at END
FROM json_each(:ended) AS ended CROSS JOIN recado_delivery AS d ON d.id = ended.key;

-- name: forget_live
DELETE FROM recado_delivery WHERE id IN (SELECT value FROM json_each(?));
