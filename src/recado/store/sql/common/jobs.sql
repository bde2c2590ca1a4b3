-- name: by_source
SELECT j.*, r.id AS reference_id, r.conversation_id
FROM recado_job AS j JOIN recado_reference AS r ON r.number = j.reference
WHERE j.reference = ? AND j.source = ?;

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
-- Only once, whoever else is at it.
UPDATE recado_job SET completed_at = ?, result = ?
WHERE bot = ? AND tenant = ? AND number = ? AND completed_at IS NULL;
