-- name: advance
-- Watches up to this one have looked at it; with nothing all have.
UPDATE recado_event SET watched_to = ? WHERE number = ?;

-- name: newest
-- How things stand with a subject, and what its watches ask of it.
SELECT s.number, s.name, s.watching, e.data
FROM recado_subject AS s LEFT JOIN recado_event AS e ON e.number = s.newest
WHERE s.bot = ? AND s.digest = ?;

-- name: pending
SELECT EXISTS (SELECT 1 FROM recado_event WHERE watched_to IS NOT NULL);

-- name: count_watching
UPDATE recado_subject SET watching = watching + ? WHERE number = ?;

-- name: old
-- The next events, each with whether it may go: watches have looked at it, and it does not tell
-- how things stand with something that is watched, or was until lately. Each subject is looked up
-- by itself, and its first watch by their order: else all of them would be read for a few events.
SELECT e.number AS id, 1 AS weight, e.subject,
    e.accepted_at < :before AND e.watched_to IS NULL AND NOT coalesce((
        SELECT s.newest = e.number AND (s.watching > 0 OR (
            SELECT w.number FROM recado_watch AS w WHERE w.subject BETWEEN s.number AND s.number
            ORDER BY w.subject, w.number LIMIT 1
        ) IS NOT NULL)
        FROM recado_subject AS s WHERE s.number = e.subject
    ), false) AS outlived
FROM recado_event AS e WHERE e.number > :after ORDER BY e.number LIMIT :limit;
