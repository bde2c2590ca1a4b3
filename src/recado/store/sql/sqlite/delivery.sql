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
    head_since = CASE WHEN :state = 'retrying' THEN head_since END
WHERE id = :id;

-- name: ailing
-- Which of these conversations are not known to be well, and when they were last seen.
SELECT number, last_seen FROM recado_reference
WHERE number IN (SELECT value FROM json_each(?)) AND health <> 'active';

-- name: claimable
-- The lanes whose turn it is, with what stands first in each. Two halves, each cut by an index of
-- its own: free lanes need no look at the clock, and a million lanes that wait for their retry
-- cost nothing. Naming all priorities lets SQLite skip to the due part of each.
SELECT l.reference AS lane, d.id, d.attempts, d.expires_at,
    coalesce(d.tried_since, :now) AS tried_since, coalesce(d.head_since, :now) AS head_since,
    d.last_status, d.strikes, d.maybe_sent,
    d.host_switched, n.id AS notification_id, n.accepted_at, n.on_unknown, n.content,
    n.handler, n.value, n.value_type, n.user, r.bot, r.channel, r.conversation_id,
    r.service_url, r.address
FROM (
    SELECT * FROM (
        SELECT reference, head, priority, ready_at FROM recado_lane
        WHERE owner IS NULL AND head IS NULL
        ORDER BY priority, ready_at LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT reference, head, priority, ready_at FROM recado_lane
        WHERE owner IS NULL AND head IS NOT NULL
        AND priority IN (0, 1, 2) AND ready_at <= :now
        ORDER BY priority, ready_at LIMIT :limit
    )
) AS l
JOIN recado_delivery AS d ON d.id = coalesce(l.head, (
    SELECT x.id FROM recado_delivery AS x
    WHERE x.reference = l.reference AND x.state IN ('pending', 'sending', 'retrying')
    ORDER BY x.rank, x.entry, x.id LIMIT 1
))
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
ORDER BY l.priority, l.ready_at, l.reference LIMIT :limit;

-- name: lease
UPDATE recado_lane SET owner = :owner, token = :token, lease_until = :until, head = d.id
FROM recado_delivery AS d
WHERE d.id IN (SELECT value FROM json_each(:heads)) AND recado_lane.reference = d.reference;

-- name: begin
UPDATE recado_delivery
SET state = 'sending', reason = NULL, due_at = NULL, attempts = attempts + 1,
    attempted_at = :now, tried_since = coalesce(tried_since, :now),
    head_since = coalesce(head_since, :now)
WHERE id IN (SELECT value FROM json_each(:heads));

-- name: hand_back
UPDATE recado_delivery
SET state = 'pending', attempts = attempts - 1,
    tried_since = CASE WHEN attempts > 1 THEN tried_since END,
    head_since = CASE WHEN attempts > 1 THEN head_since END
WHERE id = ? AND state = 'sending';

-- name: renew
UPDATE recado_lane SET lease_until = ?
WHERE reference = ? AND token = ? AND head = ? AND owner IS NOT NULL;

-- name: hasten
UPDATE recado_lane SET ready_at = ? WHERE owner IS NULL AND head IS NOT NULL AND ready_at > ?;

-- name: abandoned
-- Whoever serves this file now is its only server, so every other owner is dead. The delivery is
-- missing if a late receipt ended it meanwhile.
SELECT l.reference AS lane, l.owner, d.id, d.attempts, d.attempted_at, d.strikes,
    d.last_status, n.on_unknown
FROM recado_lane AS l
LEFT JOIN recado_delivery AS d ON d.id = l.head
LEFT JOIN recado_notification AS n ON n.number = d.notification
WHERE l.owner IS NOT NULL AND (l.owner <> :me OR l.lease_until < :now) LIMIT :limit;

-- name: due
SELECT id FROM recado_delivery WHERE due_at <= :now AND state IN ('scheduled', 'held')
ORDER BY due_at, entry, id LIMIT :limit;

-- name: overdue
-- What is parked stays parked: a person decides.
SELECT d.id, d.reference AS lane, d.maybe_sent FROM recado_delivery AS d
WHERE d.expires_at <= :now AND d.state NOT IN ('sending', 'unknown') LIMIT :limit;

-- name: park
UPDATE recado_delivery SET state = 'unknown', reason = 'expires', due_at = NULL WHERE id = ?;

-- name: last_seen
SELECT last_seen, health FROM recado_reference WHERE number = ?;

-- name: next_due
SELECT min(at) FROM (
    SELECT min(due_at) AS at FROM recado_delivery
    WHERE due_at IS NOT NULL AND state IN ('scheduled', 'held')
    UNION ALL SELECT min(expires_at) FROM recado_delivery
    WHERE expires_at IS NOT NULL AND state NOT IN ('sending', 'unknown')
    UNION ALL SELECT min(ready_at) FROM recado_lane WHERE owner IS NULL AND head IS NOT NULL
);

-- name: without_handler
SELECT d.id FROM recado_delivery AS d JOIN recado_notification AS n ON n.number = d.notification
WHERE d.state = 'held' AND d.reason = 'no_handler'
AND n.handler IN (SELECT value FROM json_each(?)) ORDER BY d.entry, d.id;

-- name: of_turn
SELECT id FROM recado_delivery WHERE turn = ? AND state = 'held' ORDER BY entry, id;

-- name: turn_ended
UPDATE recado_notification SET after_turn = NULL WHERE after_turn = ?;

-- name: record_send
INSERT INTO recado_send (delivery, number, activity_id) VALUES (?, ?, ?)
ON CONFLICT (delivery, number) DO UPDATE SET activity_id = excluded.activity_id;

-- name: recorded_sends
SELECT number, activity_id FROM recado_send WHERE delivery = ? ORDER BY number;
