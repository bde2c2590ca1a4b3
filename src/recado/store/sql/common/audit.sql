-- name: write
INSERT INTO recado_audit (at, kind, bot, reference, detail) VALUES (?, ?, ?, ?, ?);
