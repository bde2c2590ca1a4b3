-- name: said
-- Where something was accepted for the key less than a period before, or since: what was accepted
-- later may have got there earlier, because a broadcast takes its time.
SELECT reference FROM recado_once
WHERE bot = :bot AND key = :key AND accepted_at > :since
AND reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
));

-- name: note
INSERT INTO recado_once (bot, key, reference, accepted_at, until)
SELECT DISTINCT CAST(:bot AS text), CAST(:key AS text), CAST(value AS bigint),
    CAST(:at AS bigint), CAST(:until AS bigint)
FROM json_array_elements_text(CAST(:lanes AS json)) AS value
ORDER BY 3
ON CONFLICT (bot, key, reference) DO UPDATE SET
    accepted_at = excluded.accepted_at, until = greatest(recado_once.until, excluded.until);

-- name: count
SELECT count(*) FROM recado_once WHERE bot = :bot AND key = :key AND accepted_at > :since
AND (CAST(:lanes AS json) IS NULL OR reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:lanes AS json)) AS value
)));

-- name: forget
-- By where the rows lie, which does not change while they are locked.
DELETE FROM recado_once WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM recado_once WHERE until <= :now ORDER BY until LIMIT :limit
    FOR UPDATE SKIP LOCKED
));
