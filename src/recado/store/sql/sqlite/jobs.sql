-- name: by_source
SELECT j.*, r.id AS reference_id, r.conversation_id
FROM recado_job AS j JOIN recado_reference AS r ON r.number = j.reference
WHERE j.reference = ? AND j.source = ?;

-- name: next_number
INSERT INTO recado_job_counter (bot, tenant, last) VALUES (?, ?, 1)
ON CONFLICT (bot, tenant) DO UPDATE SET last = last + 1 RETURNING last;

-- name: insert
INSERT INTO recado_job (bot, tenant, number, reference, user, title, source, started_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: one
SELECT j.*, r.id AS reference_id, r.conversation_id
FROM recado_job AS j JOIN recado_reference AS r ON r.number = j.reference
WHERE j.bot = ? AND j.tenant = ? AND j.number = ?;

-- name: page
SELECT j.*, r.id AS reference_id, r.conversation_id
FROM recado_job AS j JOIN recado_reference AS r ON r.number = j.reference
WHERE (j.bot, j.tenant, j.number) > (?, ?, ?)
ORDER BY j.bot, j.tenant, j.number LIMIT ?;

-- name: page_of_scope
SELECT j.*, r.id AS reference_id, r.conversation_id
FROM recado_job AS j JOIN recado_reference AS r ON r.number = j.reference
WHERE j.bot = ? AND j.tenant = ? AND j.number > ? ORDER BY j.number LIMIT ?;

-- name: complete
UPDATE recado_job SET completed_at = ?, result = ? WHERE bot = ? AND tenant = ? AND number = ?;
