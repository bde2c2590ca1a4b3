-- name: start
INSERT INTO recado_local_conversation (id, user) VALUES (?, ?) ON CONFLICT (id) DO NOTHING;

-- name: meet
UPDATE recado_local_conversation SET user = ? WHERE id = ? AND user IS NULL;

-- name: user
SELECT user FROM recado_local_conversation WHERE id = ?;

-- name: append
INSERT INTO recado_local_activity (conversation, position, activity, key)
SELECT :conversation, coalesce(max(position), 0) + 1, :activity, :key
FROM recado_local_activity WHERE conversation = :conversation
RETURNING position;
