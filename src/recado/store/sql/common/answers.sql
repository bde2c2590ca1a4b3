-- name: by_source
SELECT w.*, r.id AS reference_id, r.conversation_id
FROM recado_work AS w JOIN recado_reference AS r ON r.number = w.reference
WHERE w.reference = ? AND w.source = ?;

-- name: one
SELECT w.*, r.id AS reference_id, r.conversation_id
FROM recado_work AS w JOIN recado_reference AS r ON r.number = w.reference
WHERE w.id = ?;

-- name: turn_of
-- How far the turns have come that conversations take, and the last one of a conversation.
SELECT coalesce(
        (SELECT max(place) FROM recado_work WHERE state = 'running'),
        (SELECT min(place) FROM recado_work WHERE state = 'promised' AND turn IS NULL),
        0
    ) AS come,
    (SELECT max(place) FROM recado_work WHERE reference = ? AND ended_at IS NULL) AS own;

-- name: promise
INSERT INTO recado_work (
    id, bot, reference, source, name, home, payload, "user", fallback, state, place, turn, owner,
    lease_until, promised_at, deadline_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'promised', ?, ?, ?, ?, ?, ?);

-- name: page
SELECT w.*, r.id AS reference_id, r.conversation_id
FROM recado_work AS w JOIN recado_reference AS r ON r.number = w.reference
WHERE w.bot = :bot AND w.id < :after
AND (CAST(:state AS text) IS NULL OR w.state = CAST(:state AS text))
ORDER BY w.id DESC LIMIT :limit;

-- name: say
UPDATE recado_work
SET sends = :number, replacing = coalesce(CAST(:replacing AS text), replacing)
WHERE id = :id AND token = :token AND state = 'running' AND sends = :number - 1
AND deadline_at > :now;

-- name: progress
UPDATE recado_work
SET progress = :share, progress_text = :text, shown = coalesce(shown, CAST(:shown AS text))
WHERE id = :id AND token = :token AND state = 'running' AND deadline_at > :now;

-- name: end
UPDATE recado_work
SET state = :state, reason = :reason, detail = :detail, ended_at = :now, turn = NULL,
    owner = NULL, lease_until = NULL
WHERE id = :id AND ended_at IS NULL
AND (CAST(:token AS bigint) IS NULL OR token = CAST(:token AS bigint))
AND (CAST(:lapsed AS bigint) IS NULL OR lease_until <= CAST(:lapsed AS bigint));

-- name: hand_back
UPDATE recado_work
SET state = 'promised', turn = NULL, owner = NULL, lease_until = NULL, token = token + 1,
    attempts = attempts - :uncounted
WHERE id = :id AND token = :token AND ended_at IS NULL AND home IS NULL
AND (CAST(:lapsed AS bigint) IS NULL OR lease_until <= CAST(:lapsed AS bigint));

-- name: shorten
UPDATE recado_work SET lease_until = :latest WHERE lease_until > :latest;

-- name: lapsed
SELECT w.*, r.id AS reference_id, r.conversation_id
FROM recado_work AS w JOIN recado_reference AS r ON r.number = w.reference
WHERE w.lease_until <= ? ORDER BY w.lease_until LIMIT ?;

-- name: overdue
SELECT w.*, r.id AS reference_id, r.conversation_id
FROM recado_work AS w JOIN recado_reference AS r ON r.number = w.reference
WHERE w.ended_at IS NULL AND w.deadline_at <= ? ORDER BY w.deadline_at LIMIT ?;

-- name: replacing
-- Changes that say an answer, each with what has become of it: a change that found nothing to
-- change has no delivery. What a person has cancelled, say, is as good as told.
SELECT w.id, w.replacing, r.id AS reference_id, n.content,
    EXISTS (SELECT 1 FROM recado_delivery AS d WHERE d.notification = n.number) AS waiting,
    EXISTS (
        SELECT 1 FROM recado_history AS h
        WHERE h.notification = n.number AND h.state <> 'rejected'
        AND (h.state <> 'cancelled' OR coalesce(h.reason, '') <> 'nothing_to_change')
    ) AS arrived
FROM recado_work AS w JOIN recado_reference AS r ON r.number = w.reference
LEFT JOIN recado_notification AS n ON n.id = w.replacing
WHERE w.replacing > ? ORDER BY w.replacing LIMIT ?;

-- name: settle_replacing
UPDATE recado_work SET replacing = NULL WHERE id = ? AND replacing = ?;
