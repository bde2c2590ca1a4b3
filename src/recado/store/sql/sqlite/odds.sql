-- name: writable
-- Changes nothing, but needs all that a change needs.
UPDATE recado_sequence SET value = value WHERE name = 'entry';

-- name: keep_secret
INSERT INTO recado_secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING;

-- name: secret
SELECT value FROM recado_secret WHERE name = ?;
