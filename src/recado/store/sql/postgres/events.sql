-- name: hold_subjects
-- Each by its digest with its name; nobody else takes in events of them until the end. In one
-- order, so that two who hold several do not wait for each other.
INSERT INTO recado_subject (bot, name, digest)
SELECT CAST(:bot AS text), made.value, made.key
FROM json_each_text(CAST(:subjects AS json)) AS made ORDER BY made.key
ON CONFLICT (bot, digest) DO UPDATE SET name = excluded.name
RETURNING number, digest, newest, newest_at, watching;

-- name: known
SELECT digest FROM recado_event WHERE bot = :bot AND digest = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:digests AS json)) AS value
));

-- name: last_watches
-- The last watch there is over each of these subjects.
SELECT CAST(told AS bigint) AS subject, (
    SELECT max(w.number) FROM recado_watch AS w WHERE w.subject = CAST(told AS bigint)
) AS last FROM json_array_elements_text(CAST(? AS json)) AS told;

-- name: insert
-- Each by its digest, in the order in which they were told.
INSERT INTO recado_event (
    bot, digest, id, source, type, subject, data, happened_at, accepted_at, previous, watched_to,
    watch_until
)
SELECT CAST(:bot AS text), made.key, made.value ->> 0, made.value ->> 1, made.value ->> 2,
    CAST(made.value ->> 3 AS bigint), made.value ->> 4, CAST(made.value ->> 5 AS bigint),
    CAST(:now AS bigint), CAST(made.value ->> 6 AS bigint), CAST(made.value ->> 7 AS bigint),
    CAST(made.value ->> 8 AS bigint)
FROM json_each(CAST(:events AS json)) WITH ORDINALITY AS made (key, value, place)
ORDER BY made.place
RETURNING number, digest;

-- name: follow
-- Which event each of these came after, of those that came together.
UPDATE recado_event SET previous = CAST(told.value AS bigint)
FROM json_each_text(CAST(? AS json)) AS told
WHERE recado_event.number = CAST(told.key AS bigint);

-- name: stand
-- How things stand with each of these subjects now; named once more, so that no others are read.
UPDATE recado_subject SET
    newest = CAST(told.value ->> 0 AS bigint), newest_at = CAST(told.value ->> 1 AS bigint)
FROM json_each(CAST(:stand AS json)) AS told WHERE recado_subject.number = CAST(told.key AS bigint)
AND recado_subject.number = ANY(ARRAY(
    SELECT CAST(name AS bigint) FROM json_object_keys(CAST(:stand AS json)) AS name
));

-- name: next
-- The next event that watches are to look at, but for those behind another one of their subject
-- and those that another process is at.
SELECT e.number, e.bot, e.id, e.type, e.source, e.subject, e.data, e.happened_at, e.accepted_at,
    e.watched_to, e.watch_until, s.name, p.data AS before
FROM recado_event AS e JOIN recado_subject AS s ON s.number = e.subject
LEFT JOIN recado_event AS p ON p.number = e.previous
WHERE e.watched_to IS NOT NULL AND e.subject > ? AND NOT EXISTS (
    SELECT 1 FROM recado_event AS x
    WHERE x.subject = e.subject AND x.number < e.number AND x.watched_to IS NOT NULL
)
ORDER BY e.subject, e.number LIMIT 1
FOR NO KEY UPDATE OF e SKIP LOCKED;

-- name: forget
-- Unless somebody has begun to watch its subject meanwhile, and knows it.
DELETE FROM recado_event WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
)) AND NOT EXISTS (
    SELECT 1 FROM recado_subject AS s
    WHERE s.number = recado_event.subject AND s.newest = recado_event.number
);

-- name: forget_subjects
-- Those nothing is known of any more.
DELETE FROM recado_subject
WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:subjects AS json)) AS value
))
AND newest = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:events AS json)) AS value
)) AND watching = 0;
