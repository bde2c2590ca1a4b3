-- name: watches
-- The next watches that are to look at an event. SQLite would read those that have ended as well
-- if it were not told which index has only the others.
SELECT number, revision, rule, path, baseline, armed, cooldown, fired_at, repeats, expires_at,
    trouble
FROM recado_watch INDEXED BY recado_watch_active
WHERE subject = :subject AND state = 'active' AND number > :after AND number <= :until
ORDER BY number LIMIT :limit;

-- name: again
-- These, which somebody else has changed meanwhile.
SELECT number, revision, rule, path, baseline, armed, cooldown, fired_at, repeats, expires_at,
    trouble
FROM recado_watch
WHERE state = 'active' AND number IN (SELECT value FROM json_each(?)) ORDER BY number;

-- name: remember
-- What watches remember, and whether they speak; those that somebody has changed meanwhile are
-- left out. Whoever changes several watches does it in the order of their numbers.
UPDATE recado_watch SET
    state = json_extract(seen.value, '$[1]'), baseline = json_extract(seen.value, '$[2]'),
    armed = json_extract(seen.value, '$[3]'), trouble = json_extract(seen.value, '$[4]'),
    ended_at = CASE json_extract(seen.value, '$[1]') WHEN 'active' THEN NULL ELSE :at END,
    fired = fired + json_extract(seen.value, '$[5]'),
    fired_before = CASE json_extract(seen.value, '$[5]') WHEN 1 THEN fired_at ELSE fired_before END,
    fired_at = CASE json_extract(seen.value, '$[5]') WHEN 1 THEN :at ELSE fired_at END,
    revision = revision + 1
FROM json_each(:seen) AS seen
WHERE recado_watch.number = CAST(seen.key AS INTEGER)
AND revision = json_extract(seen.value, '$[0]')
RETURNING recado_watch.number;
