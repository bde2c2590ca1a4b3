-- name: insert
INSERT INTO recado_watch (
    id, bot, subject, reference, place, person, rule, path, audience, content, handler, value,
    value_type, "user", priority, on_unknown, mode, category, quiet, max_wait, asked_at, cooldown,
    repeats, key, fingerprint, created_at, expires_at, state, baseline, armed
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active',
    ?, ?);

-- name: page
-- A condition that was not made is NULL.
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_watch AS w JOIN recado_subject AS s ON s.number = w.subject
JOIN recado_reference AS r ON r.number = w.reference
WHERE w.bot = :bot AND w.number > :after
AND w.state = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
))
ORDER BY w.number LIMIT :limit;

-- name: page_of_subject
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_subject AS s JOIN recado_watch AS w ON w.subject = s.number
JOIN recado_reference AS r ON r.number = w.reference
WHERE s.bot = :bot AND s.digest = :subject AND w.number > :after
AND w.state = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
))
AND (
    CAST(:person AS text) IS NULL OR w.person = :person
    OR w.reference = CAST(:reference AS bigint)
)
AND (
    CAST(:reference AS bigint) IS NULL OR CAST(:person AS text) IS NOT NULL
    OR w.reference = CAST(:reference AS bigint)
)
ORDER BY w.number LIMIT :limit;

-- name: page_of_reference
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_watch AS w JOIN recado_subject AS s ON s.number = w.subject
JOIN recado_reference AS r ON r.number = w.reference
WHERE w.number IN (
    SELECT number FROM recado_watch WHERE reference = CAST(:reference AS bigint)
    UNION SELECT number FROM recado_watch WHERE person = CAST(:person AS text)
) AND w.bot = :bot AND w.number > :after
AND w.state = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
))
ORDER BY w.number LIMIT :limit;

-- name: expired
-- Those whose time is up.
SELECT number, subject, state, revision FROM recado_watch
WHERE expires_at <= :now AND expires_at IS NOT NULL AND state IN ('active', 'paused')
ORDER BY expires_at LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED;

-- name: forget
DELETE FROM recado_watch WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: forget_firings
DELETE FROM recado_firing WHERE notification = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: forget_subjects
-- Those of which nothing was ever told, once nobody watches them any more.
DELETE FROM recado_subject WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
)) AND newest IS NULL AND watching = 0 AND NOT EXISTS (
    SELECT 1 FROM recado_watch AS w WHERE w.subject = recado_subject.number
);
