-- name: hold_subjects
-- Each by its digest with its name; nobody else takes in events of them until the end.
INSERT INTO recado_subject (bot, name, digest)
SELECT :bot, value, key FROM json_each(:subjects) WHERE true
ON CONFLICT (bot, digest) DO UPDATE SET name = excluded.name
RETURNING number, digest, newest, newest_at, watching;

-- name: known
SELECT digest FROM recado_event
WHERE bot = :bot AND digest IN (SELECT value FROM json_each(:digests));

-- name: last_watches
-- The last watch there is over each of these subjects.
SELECT told.value AS subject, (
    SELECT max(w.number) FROM recado_watch AS w WHERE w.subject = told.value
) AS last FROM json_each(?) AS told;

-- name: insert
-- Each by its digest, in the order in which they were told.
INSERT INTO recado_event (
    bot, digest, id, source, type, subject, data, happened_at, accepted_at, previous, watched_to,
    watch_until
)
SELECT :bot, key, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),
    json_extract(value, '$[5]'), :now, json_extract(value, '$[6]'), json_extract(value, '$[7]'),
    json_extract(value, '$[8]')
FROM json_each(:events) WHERE true
RETURNING number, digest;

-- name: follow
-- Which event each of these came after, of those that came together.
UPDATE recado_event SET previous = told.value
FROM json_each(?) AS told WHERE recado_event.number = CAST(told.key AS INTEGER);

-- name: stand
-- How things stand with each of these subjects now.
UPDATE recado_subject SET
    newest = json_extract(told.value, '$[0]'), newest_at = json_extract(told.value, '$[1]')
FROM json_each(:stand) AS told WHERE recado_subject.number = CAST(told.key AS INTEGER);

-- name: next
-- The next event that watches are to look at, but for those behind another one of their subject.
SELECT e.number, e.bot, e.id, e.type, e.source, e.subject, e.data, e.happened_at, e.accepted_at,
    e.watched_to, e.watch_until, s.name, p.data AS before
FROM recado_event AS e CROSS JOIN recado_subject AS s ON s.number = e.subject
LEFT JOIN recado_event AS p ON p.number = e.previous
WHERE e.watched_to IS NOT NULL AND e.subject > ? AND NOT EXISTS (
    SELECT 1 FROM recado_event AS x
    WHERE x.subject = e.subject AND x.number < e.number AND x.watched_to IS NOT NULL
)
ORDER BY e.subject, e.number LIMIT 1;

-- name: forget
-- Unless somebody has begun to watch its subject meanwhile, and knows it.
DELETE FROM recado_event WHERE number IN (SELECT value FROM json_each(?)) AND NOT EXISTS (
    SELECT 1 FROM recado_subject AS s
    WHERE s.number = recado_event.subject AND s.newest = recado_event.number
);

-- name: forget_subjects
-- Those nothing is known of any more.
DELETE FROM recado_subject
WHERE number IN (SELECT value FROM json_each(:subjects))
AND newest IN (SELECT value FROM json_each(:events)) AND watching = 0;
