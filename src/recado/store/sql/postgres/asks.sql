-- name: grant
UPDATE recado_ask SET granted_by = :owner
WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value
))
AND granted_by IS NULL
RETURNING id;

-- name: granted
SELECT id FROM recado_ask
WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND granted_by IS NOT NULL;

-- name: withdraw
DELETE FROM recado_ask
WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND granted_by IS NULL;

-- name: forget
DELETE FROM recado_ask
WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
));
