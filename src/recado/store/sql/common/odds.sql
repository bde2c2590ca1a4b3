-- name: version
SELECT coalesce(max(version), 0) FROM recado_schema;

-- name: keep_secret
INSERT INTO recado_secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING;

-- name: secret
SELECT value FROM recado_secret WHERE name = ?;
