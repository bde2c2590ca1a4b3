-- name: watches
-- The next watches that are to look at an event.
SELECT number, revision, rule, path, baseline, armed, cooldown, fired_at, repeats, expires_at,
    trouble
FROM recado_watch
WHERE subject = :subject AND state = 'active' AND number > :after AND number <= :until
ORDER BY number LIMIT :limit;

-- name: again
-- These, which somebody else has changed meanwhile.
SELECT number, revision, rule, path, baseline, armed, cooldown, fired_at, repeats, expires_at,
    trouble
FROM recado_watch
WHERE state = 'active' AND number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
)) ORDER BY number;

-- name: remember
-- What watches remember, and whether they speak; those that somebody has changed meanwhile are
-- left out. Whoever changes several watches does it in the order of their numbers.
UPDATE recado_watch SET
    state = seen.value ->> 1, baseline = seen.value ->> 2,
    armed = CAST(seen.value ->> 3 AS boolean), trouble = seen.value ->> 4,
    ended_at = CASE seen.value ->> 1 WHEN 'active' THEN NULL ELSE CAST(:at AS bigint) END,
    fired = fired + CAST(seen.value ->> 5 AS bigint),
    fired_before = CASE seen.value ->> 5 WHEN '1' THEN fired_at ELSE fired_before END,
    fired_at = CASE seen.value ->> 5 WHEN '1' THEN CAST(:at AS bigint) ELSE fired_at END,
    revision = revision + 1
FROM json_each(CAST(:seen AS json)) AS seen
WHERE recado_watch.number = CAST(seen.key AS bigint)
AND revision = CAST(seen.value ->> 0 AS bigint)
RETURNING recado_watch.number;
