-- name: grant
UPDATE recado_ask SET granted_by = :owner
WHERE id IN (SELECT value FROM json_each(:ids)) AND granted_by IS NULL
RETURNING id;

-- name: granted
SELECT id FROM recado_ask
WHERE id IN (SELECT value FROM json_each(?)) AND granted_by IS NOT NULL;

-- name: withdraw
DELETE FROM recado_ask
WHERE id IN (SELECT value FROM json_each(?)) AND granted_by IS NULL;

-- name: forget
DELETE FROM recado_ask WHERE id IN (SELECT value FROM json_each(?));
