-- name: next_number
INSERT INTO recado_job_counter (bot, tenant, last) VALUES (?, ?, 1)
ON CONFLICT (bot, tenant) DO UPDATE SET last = last + 1 RETURNING last;

-- name: insert
INSERT INTO recado_job (bot, tenant, number, reference, user, title, source, started_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);
