-- name: held
-- Lanes somebody holds: under which token, and for which delivery.
SELECT reference, token, head FROM recado_lane
WHERE reference IN (SELECT value FROM json_each(?)) AND owner IS NOT NULL;

-- name: record_attempts
-- Many rows in one statement cost half of a statement for each; so too below. What a late
-- settlement knows replaces what was supposed when its lane was taken over.
INSERT INTO recado_attempt (
    delivery, number, owner, started_at, ended_at, outcome, reason, status, code, sub_code,
    message, activity_id, headers
)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[8]'),
    json_extract(value, '$[9]'), json_extract(value, '$[10]'), json_extract(value, '$[11]'),
    json_extract(value, '$[12]')
FROM json_each(?) WHERE true
ON CONFLICT (delivery, number, started_at) DO UPDATE SET
    ended_at = excluded.ended_at, outcome = excluded.outcome, reason = excluded.reason,
    status = excluded.status, code = excluded.code, sub_code = excluded.sub_code,
    message = excluded.message, activity_id = excluded.activity_id, headers = excluded.headers;

-- name: go_on
-- An attempt has ended and the delivery has not.
UPDATE recado_delivery SET
    state = :state, reason = :reason, due_at = :due_at, last_status = :last_status,
    strikes = :strikes, maybe_sent = max(maybe_sent, :maybe_sent),
    host_switched = max(host_switched, :host_switched), attempts = attempts - :uncounted,
    head_since = CASE WHEN :state = 'retrying' THEN head_since END,
    -- The time for retries does not run while it is its bot that is refused.
    tried_since = CASE WHEN :state <> 'pending' THEN tried_since END
WHERE id = :id;

-- name: ailing
-- Which of these conversations are not known to be well, and when they were last seen.
SELECT number, last_seen FROM recado_reference
WHERE number IN (SELECT value FROM json_each(?)) AND health <> 'active';

-- name: awaken
-- Lanes that waited and whose time has come are due like the others.
UPDATE recado_lane SET waiting = 0 WHERE reference IN (
    SELECT reference FROM recado_lane WHERE owner IS NULL AND waiting = 1 AND ready_at <= ?
    ORDER BY ready_at LIMIT ?
);

-- name: due_lanes
-- Of each of these routes the lanes that have been due longest, from a certain time on, and since
-- when the last of them has been.
SELECT json_group_array(json(found)) FROM (
    SELECT (
        SELECT json_array(CAST(wanted.key AS INTEGER), json_group_array(reference), max(ready_at))
        FROM (
            SELECT reference, ready_at FROM recado_lane
            WHERE owner IS NULL AND waiting = 0 AND priority = :priority
            AND route = CAST(wanted.key AS INTEGER) AND ready_at >= wanted.value
            ORDER BY ready_at LIMIT :most
        )
    ) AS found
    FROM json_each(:routes) AS wanted
);

-- name: still_due
-- Which of these lanes are due, each with its route.
SELECT reference, route FROM recado_lane
WHERE reference IN (SELECT value FROM json_each(?)) AND owner IS NULL AND waiting = 0
ORDER BY ready_at;

-- name: heads
-- What stands first in each of these lanes, in the order the lanes are named in. All of it as one
-- row: for every row the interpreter is given away and taken back, which costs more than JSON.
SELECT json_group_array(json_array(
    d.id, l.reference, l.route, d.notification, d.attempts, d.priority, d.expires_at,
    d.target, d.stopped, r.conversation_id, r.pace_key, r.is_group, r.address, r.unmade, r.remade,
    d.tried_since, d.head_since, d.last_status, d.strikes, d.maybe_sent, d.host_switched
))
FROM json_each(:lanes) AS wanted
CROSS JOIN recado_lane AS l ON l.reference = wanted.value
JOIN recado_delivery AS d ON d.id = coalesce(l.head, (
    SELECT x.id FROM recado_delivery AS x
    WHERE x.reference = l.reference AND x.state IN ('pending', 'sending', 'retrying')
    ORDER BY x.rank, x.entry, x.id LIMIT 1
))
JOIN recado_reference AS r ON r.number = d.reference;

-- name: said
-- What these notifications say: read once for all of their deliveries that are claimed together.
SELECT json_group_array(json_array(
    number, id, accepted_at, on_unknown, action, otherwise, content, handler, value, value_type,
    user, audience LIKE '["thread:%', bot, mode, quiet, max_wait, category, due_at, asked_at, watch,
    answer_handler IS NOT NULL
))
FROM recado_notification WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: lease
-- Each lane with its head.
UPDATE recado_lane
SET owner = :owner, token = :token, lease_until = :until, head = claimed.value
FROM json_each(:claimed) AS claimed WHERE reference = CAST(claimed.key AS INTEGER);

-- name: begin
UPDATE recado_delivery
SET state = 'sending', reason = NULL, due_at = NULL, attempts = attempts + 1,
    attempted_at = :now, tried_since = coalesce(tried_since, :now),
    head_since = coalesce(head_since, :now)
WHERE id IN (SELECT value FROM json_each(:heads));

-- name: renew
-- Each claim is its lane, its token and its delivery.
UPDATE recado_lane SET lease_until = :until WHERE reference IN (
    SELECT l.reference FROM json_each(:claims) AS claim
    JOIN recado_lane AS l ON l.reference = claim.value ->> 0
    WHERE l.token = claim.value ->> 1 AND l.head = claim.value ->> 2 AND l.owner IS NOT NULL
)
RETURNING head;

-- name: hasten
UPDATE recado_lane SET ready_at = ? WHERE owner IS NULL AND waiting = 1 AND ready_at > ?;

-- name: abandoned
-- Whoever serves this file now is its only server, so every other owner is dead. The delivery is
-- missing if a late receipt ended it meanwhile.
SELECT l.reference AS lane, l.owner, d.id, d.attempts, d.attempted_at, d.strikes,
    d.last_status, CASE
        -- To change a message twice is as good as once; a follow-up is another message.
        WHEN d.target IS NOT NULL AND n.otherwise = 'refuse' THEN 'retry' ELSE n.on_unknown
    END AS on_unknown, r.bot, r.channel, r.tenant_id, r.pace_key, r.unmade
FROM recado_lane AS l
JOIN recado_reference AS r ON r.number = l.reference
LEFT JOIN recado_delivery AS d ON d.id = l.head
LEFT JOIN recado_notification AS n ON n.number = d.notification
WHERE l.owner IS NOT NULL AND (l.owner <> :me OR l.lease_until < :now) LIMIT :limit;

-- name: due
-- What was enqueued is not due before it has been taken up.
SELECT id, reason FROM recado_delivery
WHERE due_at <= :now AND state IN ('scheduled', 'held')
AND reason IS NOT 'enqueued'
ORDER BY due_at, entry, id LIMIT :limit;

-- name: overdue
-- What is parked stays parked: a person decides.
SELECT d.id, d.reference AS lane, d.maybe_sent, d.stopped FROM recado_delivery AS d
WHERE d.expires_at <= :now AND d.state NOT IN ('sending', 'unknown') LIMIT :limit;

-- name: next_due
SELECT min(at) FROM (
    SELECT min(due_at) AS at FROM recado_delivery
    WHERE due_at IS NOT NULL AND state IN ('scheduled', 'held')
    UNION ALL SELECT min(expires_at) FROM recado_delivery
    WHERE expires_at IS NOT NULL AND state NOT IN ('sending', 'unknown')
    UNION ALL SELECT min(ready_at) FROM recado_lane WHERE owner IS NULL AND waiting = 1
);

-- name: without_handler
SELECT d.id FROM recado_delivery AS d JOIN recado_notification AS n ON n.number = d.notification
WHERE d.state = 'held' AND d.reason = 'no_handler'
AND n.handler IN (SELECT value FROM json_each(?)) ORDER BY d.entry, d.id LIMIT ?;

-- name: of_turn
SELECT id FROM recado_delivery WHERE turn = ? AND state = 'held' ORDER BY entry, id;
