-- name: next_place
SELECT coalesce(max(place), 0) + 1 FROM recado_watch WHERE reference = ?;

-- name: by_key
SELECT w.id, w.fingerprint, w.state FROM recado_watch AS w WHERE w.bot = ? AND w.key = ?;

-- name: free_key
-- A watch that has ended leaves its key to another one.
UPDATE recado_watch SET key = NULL, revision = revision + 1 WHERE bot = ? AND key = ?;

-- name: by_id
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_watch AS w JOIN recado_subject AS s ON s.number = w.subject
JOIN recado_reference AS r ON r.number = w.reference
WHERE w.bot = ? AND w.id = ?;

-- name: by_place
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_watch AS w JOIN recado_subject AS s ON s.number = w.subject
JOIN recado_reference AS r ON r.number = w.reference
WHERE w.bot = ? AND w.reference = ? AND w.place = ?;

-- name: change
UPDATE recado_watch SET state = :state, ended_at = :ended_at, revision = revision + 1
WHERE number = :number AND state = :before;

-- name: old
-- Ended long ago, and nothing it said is left.
SELECT number, subject FROM recado_watch AS w
WHERE w.ended_at IS NOT NULL AND w.ended_at < :before AND NOT EXISTS (
    SELECT 1 FROM recado_firing AS f WHERE f.watch = w.number
)
ORDER BY w.ended_at LIMIT :limit;
