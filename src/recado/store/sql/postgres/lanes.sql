-- name: enter
-- The first delivery of a lane makes it; a more urgent one moves the whole lane forward. A lane
-- may be named twice, but a statement writes a row only once; and all write them in one order.
INSERT INTO recado_lane (reference, route, priority, ready_at)
SELECT r.number, r.route, CAST(:priority AS int), CAST(:now AS bigint)
FROM recado_reference AS r
WHERE r.number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
))
ORDER BY r.number
ON CONFLICT (reference) DO UPDATE SET priority = excluded.priority
WHERE recado_lane.priority > excluded.priority;

-- name: enter_held
INSERT INTO recado_lane (reference, route, priority, ready_at)
SELECT d.reference, r.route, min(d.priority), CAST(:now AS bigint)
FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
WHERE d.id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value
))
GROUP BY d.reference, r.route
ORDER BY d.reference
ON CONFLICT (reference) DO UPDATE SET priority = excluded.priority
WHERE recado_lane.priority > excluded.priority;

-- name: take_numbers
-- The last of a block of numbers: every call to a sequence takes a million.
SELECT nextval(CAST('recado_sequence_' || CAST(:name AS text) AS regclass))
    + CAST(:count AS bigint) - 1 AS value;

-- name: unreachable
SELECT id FROM recado_delivery
WHERE reference = ? AND state = 'held' AND reason = 'unreachable' ORDER BY entry, id;

-- name: hold_standing
UPDATE recado_delivery
SET state = 'held', reason = 'unreachable', due_at = NULL, head_since = NULL
WHERE reference = ? AND state IN ('pending', 'retrying');

-- name: for_the_gone
-- Which of these deliveries are for a conversation that cannot be spoken in.
SELECT d.id FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
WHERE d.id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value))
AND r.health NOT IN ('active', 'suspect');

-- name: gone
-- Which of these conversations cannot be spoken in.
SELECT number FROM recado_reference
WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND health NOT IN ('active', 'suspect');

-- name: free
-- A lane whose settlement leaves nothing to retry: the next one may go at once.
UPDATE recado_lane SET head = NULL, owner = NULL, lease_until = NULL, waiting = 0, ready_at = :now
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
));

-- name: drop_freed
-- As drop_empty, for lanes that are about to be given back: most of them are empty now, and need
-- not be written first.
DELETE FROM recado_lane
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND NOT EXISTS (
    SELECT 1 FROM recado_delivery AS d
    WHERE d.reference = recado_lane.reference AND d.state IN ('pending', 'sending', 'retrying')
);

-- name: drop_empty
DELETE FROM recado_lane
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
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
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND owner IS NULL AND NOT EXISTS (
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
SELECT d.id, d.notification, d.reference, CAST(:state AS text), CAST(:reason AS text), d.state,
    d.priority, d.rank, d.expires_at, d.attempts, d.target, CAST(ended.value ->> 0 AS bigint),
    ended.value ->> 1, CAST(:status AS int), CAST(:owner AS text),
    CASE WHEN CAST(:owner AS text) IS NOT NULL THEN d.attempted_at END
FROM json_each(CAST(:ended AS json)) AS ended CROSS JOIN LATERAL (
    SELECT * FROM recado_delivery WHERE id = ended.key OFFSET 0
) AS d;

-- name: forget_live
DELETE FROM recado_delivery
WHERE id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value));
