-- name: writable
-- Changes nothing, but needs all that a change needs.
UPDATE recado_schema SET version = version
WHERE version = (SELECT max(version) FROM recado_schema);
