-- name: insert
INSERT INTO recado_watch (
    id, bot, subject, reference, place, person, rule, path, audience, content, handler, value,
    value_type, user, priority, on_unknown, mode, category, quiet, max_wait, asked_at, cooldown,
    repeats, key, fingerprint, created_at, expires_at, state, baseline, armed
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active',
    ?, ?);

-- name: page
-- A condition that was not made is NULL.
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_watch AS w CROSS JOIN recado_subject AS s ON s.number = w.subject
CROSS JOIN recado_reference AS r ON r.number = w.reference
WHERE w.bot = :bot AND w.number > :after
AND w.state IN (SELECT value FROM json_each(:states))
ORDER BY w.number LIMIT :limit;

-- name: page_of_subject
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_subject AS s CROSS JOIN recado_watch AS w ON w.subject = s.number
CROSS JOIN recado_reference AS r ON r.number = w.reference
WHERE s.bot = :bot AND s.digest = :subject AND w.number > :after
AND w.state IN (SELECT value FROM json_each(:states))
AND (:person IS NULL OR w.person = :person OR w.reference = :reference)
AND (:reference IS NULL OR :person IS NOT NULL OR w.reference = :reference)
ORDER BY w.number LIMIT :limit;

-- name: page_of_reference
SELECT w.*, s.name, r.id AS reference_id, r.conversation_id
FROM recado_watch AS w CROSS JOIN recado_subject AS s ON s.number = w.subject
CROSS JOIN recado_reference AS r ON r.number = w.reference
WHERE w.number IN (
    SELECT number FROM recado_watch WHERE reference = :reference
    UNION SELECT number FROM recado_watch WHERE person = :person
) AND w.bot = :bot AND w.number > :after
AND w.state IN (SELECT value FROM json_each(:states))
ORDER BY w.number LIMIT :limit;

-- name: expired
-- Those whose time is up.
SELECT number, subject, state, revision FROM recado_watch
WHERE expires_at <= :now AND expires_at IS NOT NULL AND state IN ('active', 'paused')
ORDER BY expires_at LIMIT :limit;

-- name: forget
DELETE FROM recado_watch WHERE number IN (SELECT value FROM json_each(?));

-- name: forget_firings
DELETE FROM recado_firing WHERE notification IN (SELECT value FROM json_each(?));

-- name: forget_subjects
-- Those of which nothing was ever told, once nobody watches them any more.
DELETE FROM recado_subject WHERE number IN (SELECT value FROM json_each(?))
AND newest IS NULL AND watching = 0 AND NOT EXISTS (
    SELECT 1 FROM recado_watch AS w WHERE w.subject = recado_subject.number
);
