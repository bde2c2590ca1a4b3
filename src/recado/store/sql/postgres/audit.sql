-- name: page
SELECT a.*, r.id AS reference_id
FROM recado_audit AS a LEFT JOIN recado_reference AS r ON r.number = a.reference
WHERE a.number < :before AND (CAST(:bot AS text) IS NULL OR a.bot = CAST(:bot AS text))
ORDER BY a.number DESC LIMIT :limit;

-- name: page_of
SELECT a.*, r.id AS reference_id
FROM recado_reference AS r JOIN recado_audit AS a ON a.reference = r.number
WHERE r.id = :reference AND a.number < :before
AND (CAST(:bot AS text) IS NULL OR a.bot = CAST(:bot AS text))
ORDER BY a.number DESC LIMIT :limit;
