-- name: read
SELECT key, value, revision FROM recado_state
WHERE bot = :bot AND key = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:keys AS json)) AS value
));

-- name: put
-- A revision is a time where it can be, so that one that was deleted does not come again.
INSERT INTO recado_state (bot, key, value, revision, changed_at)
VALUES (:bot, :key, :value, CAST(:now AS bigint), CAST(:now AS bigint))
ON CONFLICT (bot, key) DO UPDATE SET
    value = excluded.value,
    revision = greatest(recado_state.revision + 1, excluded.revision),
    changed_at = excluded.changed_at
RETURNING revision;

-- name: put_new
INSERT INTO recado_state (bot, key, value, revision, changed_at)
VALUES (:bot, :key, :value, CAST(:now AS bigint), CAST(:now AS bigint))
ON CONFLICT (bot, key) DO NOTHING
RETURNING revision;

-- name: put_over
UPDATE recado_state SET
    value = :value, revision = greatest(revision + 1, CAST(:now AS bigint)),
    changed_at = CAST(:now AS bigint)
WHERE bot = :bot AND key = :key AND revision = :expected
RETURNING revision;
