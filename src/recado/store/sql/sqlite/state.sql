-- name: read
SELECT key, value, revision FROM recado_state
WHERE bot = :bot AND key IN (SELECT value FROM json_each(:keys));

-- name: put
-- A revision is a time where it can be, so that one that was deleted does not come again.
INSERT INTO recado_state (bot, key, value, revision, changed_at)
VALUES (:bot, :key, :value, :now, :now)
ON CONFLICT (bot, key) DO UPDATE SET
    value = excluded.value, revision = max(revision + 1, excluded.revision),
    changed_at = excluded.changed_at
RETURNING revision;

-- name: put_new
INSERT INTO recado_state (bot, key, value, revision, changed_at)
VALUES (:bot, :key, :value, :now, :now)
ON CONFLICT (bot, key) DO NOTHING
RETURNING revision;

-- name: put_over
UPDATE recado_state SET value = :value, revision = max(revision + 1, :now), changed_at = :now
WHERE bot = :bot AND key = :key AND revision = :expected
RETURNING revision;
