-- name: held
-- Lanes somebody holds: under which token, and for which delivery. Each is looked up by itself
-- (OFFSET 0), because the index of all that are held goes on to have every lane that ever was as
-- long as somebody has a snapshot from before.
SELECT l.reference, l.token, l.head
FROM json_array_elements_text(CAST(? AS json)) AS asked
CROSS JOIN LATERAL (
    SELECT reference, token, head, owner FROM recado_lane
    WHERE reference = CAST(asked AS bigint) OFFSET 0
) AS l
WHERE l.owner IS NOT NULL;

-- name: record_attempts
-- What a late settlement knows replaces what was supposed when its lane was taken over. Of an
-- attempt that is told twice the last one counts. As jsonb, because json would be read from its
-- beginning for each column.
INSERT INTO recado_attempt (
    delivery, number, owner, started_at, ended_at, outcome, reason, status, code, sub_code,
    message, activity_id, headers
)
SELECT DISTINCT ON (1, 2, 4)
    told.value ->> 0, CAST(told.value ->> 1 AS int), told.value ->> 2,
    CAST(told.value ->> 3 AS bigint), CAST(told.value ->> 4 AS bigint), told.value ->> 5,
    told.value ->> 6, CAST(told.value ->> 7 AS int), told.value ->> 8, told.value ->> 9,
    told.value ->> 10, told.value ->> 11, told.value ->> 12
FROM jsonb_array_elements(CAST(? AS jsonb)) WITH ORDINALITY AS told (value, place)
ORDER BY 1, 2, 4, told.place DESC
ON CONFLICT (delivery, number, started_at) DO UPDATE SET
    ended_at = excluded.ended_at, outcome = excluded.outcome, reason = excluded.reason,
    status = excluded.status, code = excluded.code, sub_code = excluded.sub_code,
    message = excluded.message, activity_id = excluded.activity_id, headers = excluded.headers;

-- name: go_on
-- An attempt has ended and the delivery has not.
UPDATE recado_delivery SET
    state = CAST(:state AS text), reason = :reason, due_at = :due_at,
    last_status = :last_status, strikes = :strikes,
    maybe_sent = maybe_sent OR CAST(:maybe_sent AS boolean),
    host_switched = host_switched OR CAST(:host_switched AS boolean),
    attempts = attempts - CAST(:uncounted AS int),
    head_since = CASE WHEN CAST(:state AS text) = 'retrying' THEN head_since END,
    -- The time for retries does not run while it is its bot that is refused.
    tried_since = CASE WHEN CAST(:state AS text) <> 'pending' THEN tried_since END
WHERE id = :id;

-- name: ailing
-- Which of these conversations are not known to be well, and when they were last seen.
SELECT number, last_seen FROM recado_reference
WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND health <> 'active';

-- name: awaken
-- Lanes that waited and whose time has come are due like the others. What somebody else has in
-- hands is passed over.
UPDATE recado_lane SET waiting = 0 WHERE reference = ANY(ARRAY(
    SELECT reference FROM recado_lane WHERE owner IS NULL AND waiting = 1 AND ready_at <= ?
    ORDER BY ready_at LIMIT ? FOR UPDATE SKIP LOCKED
));

-- name: due_lanes
-- Of each of these routes the lanes that have been due longest, from a certain time on, and since
-- when the last of them has been. Each with its conversation, which is this process's until the
-- end of the transaction; what another one holds is passed over.
SELECT CAST(coalesce(json_agg(json_build_array(
    CAST(wanted.key AS bigint), due.lanes, due.last_ready
)), '[]') AS text)
FROM json_each_text(CAST(:routes AS json)) AS wanted
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(found.reference ORDER BY found.ready_at, found.reference), '[]')
        AS lanes, max(found.ready_at) AS last_ready
    FROM (
        SELECT l.reference, l.ready_at
        FROM recado_lane AS l JOIN recado_reference AS r ON r.number = l.reference
        WHERE l.owner IS NULL AND l.waiting = 0 AND l.priority = :priority
        AND l.route = CAST(wanted.key AS bigint) AND l.ready_at >= CAST(wanted.value AS bigint)
        ORDER BY l.ready_at, l.reference LIMIT :most
        FOR NO KEY UPDATE OF l, r SKIP LOCKED
    ) AS found
) AS due;

-- name: still_due
-- Which of these lanes are due, each with its route and its conversation; what another process
-- holds is passed over.
SELECT l.reference, l.route
FROM recado_lane AS l JOIN recado_reference AS r ON r.number = l.reference
WHERE l.reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND l.owner IS NULL AND l.waiting = 0
ORDER BY l.ready_at, l.reference
FOR NO KEY UPDATE OF l, r SKIP LOCKED;

-- name: heads
-- What stands first in each of these lanes, in the order the lanes are named in. All of it as one
-- row: to read JSON costs the caller less than as many rows do. OFFSET 0, here and elsewhere, has
-- each looked for in its index: PostgreSQL cannot tell how few are in the JSON, and would rather
-- read a table of some ten thousand rows.
SELECT CAST(coalesce(json_agg(json_build_array(
    d.id, l.reference, l.route, d.notification, d.attempts, d.priority, d.expires_at,
    d.target, d.stopped, r.conversation_id, r.pace_key, r.is_group, r.address, r.unmade, r.remade,
    d.tried_since, d.head_since, d.last_status, d.strikes, d.maybe_sent, d.host_switched
) ORDER BY wanted.place), '[]') AS text)
FROM json_array_elements_text(CAST(:lanes AS json)) WITH ORDINALITY AS wanted (lane, place)
CROSS JOIN LATERAL (
    SELECT reference, route, head FROM recado_lane
    WHERE reference = CAST(wanted.lane AS bigint) OFFSET 0
) AS l
CROSS JOIN LATERAL (
    SELECT * FROM recado_delivery WHERE id = coalesce(l.head, (
        SELECT x.id FROM recado_delivery AS x
        WHERE x.reference = l.reference AND x.state IN ('pending', 'sending', 'retrying')
        ORDER BY x.rank, x.entry, x.id LIMIT 1
    )) OFFSET 0
) AS d
CROSS JOIN LATERAL (
    SELECT conversation_id, pace_key, is_group, address, unmade, remade FROM recado_reference
    WHERE number = d.reference OFFSET 0
) AS r;

-- name: said
-- What these notifications say: read once for all of their deliveries that are claimed together.
SELECT CAST(coalesce(json_agg(json_build_array(
    number, id, accepted_at, on_unknown, action, otherwise, content, handler, value, value_type,
    "user", starts_with(audience, '["thread:'), bot, mode, quiet, max_wait, category, due_at,
    asked_at, watch, answer_handler IS NOT NULL
)), '[]') AS text)
FROM recado_notification
WHERE number = ANY(ARRAY(
    SELECT CAST(wanted AS bigint) FROM json_array_elements_text(CAST(:numbers AS json)) AS wanted
));

-- name: lease
-- Each lane with its head. They are named twice, so that their index is used.
UPDATE recado_lane
SET owner = :owner, token = :token, lease_until = :until, head = claimed.value
FROM json_each_text(CAST(:claimed AS json)) AS claimed
WHERE recado_lane.reference = CAST(claimed.key AS bigint) AND recado_lane.reference = ANY(ARRAY(
    SELECT CAST(lane AS bigint) FROM json_object_keys(CAST(:claimed AS json)) AS lane
));

-- name: begin
UPDATE recado_delivery
SET state = 'sending', reason = NULL, due_at = NULL, attempts = attempts + 1,
    attempted_at = :now, tried_since = coalesce(tried_since, :now),
    head_since = coalesce(head_since, :now)
WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:heads AS json)) AS value
));

-- name: renew
-- Each claim is its lane, its token and its delivery. What somebody else has in hands is renewed
-- the next time.
UPDATE recado_lane SET lease_until = :until WHERE reference = ANY(ARRAY(
    SELECT l.reference FROM json_array_elements(CAST(:claims AS json)) AS claim (value)
    JOIN recado_lane AS l ON l.reference = CAST(claim.value ->> 0 AS bigint)
    WHERE l.token = CAST(claim.value ->> 1 AS bigint) AND l.head = claim.value ->> 2
    AND l.owner IS NOT NULL
    FOR NO KEY UPDATE OF l SKIP LOCKED
))
RETURNING head;

-- name: hasten
-- What somebody else has in hands is hastened the next time.
UPDATE recado_lane SET ready_at = ? WHERE reference = ANY(ARRAY(
    SELECT reference FROM recado_lane WHERE owner IS NULL AND waiting = 1 AND ready_at > ?
    FOR UPDATE SKIP LOCKED
));

-- name: abandoned
-- Other owners may be alive, so only a lease that has run out says that one is not. The delivery
-- is missing if a late receipt ended it meanwhile. It is read when its lane and conversation are
-- held, not before: else it could be told as it was when the statement began.
SELECT l.lane, l.owner, d.id, d.attempts, d.attempted_at, d.strikes, d.last_status, CASE
        -- To change a message twice is as good as once; a follow-up is another message.
        WHEN d.target IS NOT NULL AND n.otherwise = 'refuse' THEN 'retry' ELSE n.on_unknown
    END AS on_unknown, l.bot, l.channel, l.tenant_id, l.pace_key, l.unmade
FROM (
    SELECT l.reference AS lane, l.owner, l.head, r.bot, r.channel, r.tenant_id, r.pace_key,
        r.unmade
    FROM recado_lane AS l JOIN recado_reference AS r ON r.number = l.reference
    WHERE l.owner IS NOT NULL AND (l.owner <> :me OR l.lease_until < :now)
    AND l.lease_until < :now
    ORDER BY l.lease_until LIMIT :limit
    FOR NO KEY UPDATE OF l, r SKIP LOCKED
) AS l
LEFT JOIN LATERAL (
    SELECT x.id, x.notification, x.attempts, x.attempted_at, x.strikes, x.last_status, x.target
    FROM recado_delivery AS x WHERE x.id = l.head
    FOR NO KEY UPDATE OF x
) AS d ON true
LEFT JOIN recado_notification AS n ON n.number = d.notification;

-- name: due
-- Each with its conversation; what somebody else holds is passed over. So below. What was
-- enqueued is not due before it has been taken up.
SELECT d.id, d.reason
FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
WHERE d.due_at <= :now AND d.state IN ('scheduled', 'held')
AND d.reason IS DISTINCT FROM 'enqueued'
ORDER BY d.due_at, d.entry, d.id LIMIT :limit
FOR NO KEY UPDATE OF d, r SKIP LOCKED;

-- name: overdue
-- What is parked stays parked: a person decides.
SELECT d.id, d.reference AS lane, d.maybe_sent, d.stopped
FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
WHERE d.expires_at <= :now AND d.state NOT IN ('sending', 'unknown')
ORDER BY d.expires_at LIMIT :limit
FOR NO KEY UPDATE OF d, r SKIP LOCKED;

-- name: next_due
SELECT min(at) FROM (
    SELECT min(due_at) AS at FROM recado_delivery
    WHERE due_at IS NOT NULL AND state IN ('scheduled', 'held')
    UNION ALL SELECT min(expires_at) FROM recado_delivery
    WHERE expires_at IS NOT NULL AND state NOT IN ('sending', 'unknown')
    UNION ALL SELECT min(ready_at) FROM recado_lane WHERE owner IS NULL AND waiting = 1
) AS soon;

-- name: without_handler
SELECT d.id FROM recado_delivery AS d
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
WHERE d.state = 'held' AND d.reason = 'no_handler' AND n.handler = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
))
ORDER BY d.entry, d.id LIMIT ?
FOR NO KEY UPDATE OF d, r SKIP LOCKED;

-- name: of_turn
-- Waits for whoever holds its conversation: nobody else would let it go.
SELECT d.id FROM recado_delivery AS d JOIN recado_reference AS r ON r.number = d.reference
WHERE d.turn = ? AND d.state = 'held' ORDER BY d.entry, d.id
FOR NO KEY UPDATE OF d, r;
