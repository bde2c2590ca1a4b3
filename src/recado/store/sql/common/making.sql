-- name: by_key
SELECT number FROM recado_reference WHERE bot = ? AND channel = ? AND conversation_id = ?;

-- name: move_waiting
UPDATE recado_delivery SET reference = :there
WHERE reference = :here AND state IN ('scheduled', 'held');

-- name: leave_lane
DELETE FROM recado_lane WHERE reference = ? AND owner IS NULL;

-- name: health
SELECT health FROM recado_reference WHERE number = ?;
