-- name: by_key
SELECT position FROM recado_local_activity WHERE conversation = ? AND key = ?;

-- name: replace
UPDATE recado_local_activity SET activity = ?
WHERE conversation = ? AND position = ? AND activity IS NOT NULL;

-- name: history
SELECT position, activity FROM recado_local_activity
WHERE conversation = ? AND position > ? AND activity IS NOT NULL ORDER BY position LIMIT ?;
