-- name: start
INSERT INTO recado_local_conversation (id, "user") VALUES (?, ?) ON CONFLICT (id) DO NOTHING;

-- name: meet
UPDATE recado_local_conversation SET "user" = ? WHERE id = ? AND "user" IS NULL;

-- name: user
SELECT "user" FROM recado_local_conversation WHERE id = ?;

-- name: append
INSERT INTO recado_local_activity (conversation, position, activity, key)
SELECT CAST(:conversation AS text), coalesce(max(position), 0) + 1, CAST(:activity AS text),
    CAST(:key AS text)
FROM recado_local_activity WHERE conversation = CAST(:conversation AS text)
RETURNING position;
