-- name: ask
INSERT INTO recado_ask (
    id, bot, channel, tenant, name, operation, is_group, asker, asked_at, patient_until, until
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: asks
-- Few at any time: they are forgotten when their requests have ended.
SELECT id, bot, channel, tenant, name, operation, is_group, asker, asked_at, patient_until, until,
    granted_by, ended, status, failure, retry_after
FROM recado_ask AS a ORDER BY asked_at, id LIMIT ?;

-- name: hand_in
UPDATE recado_ask SET ended = :ended, status = :status, failure = :failure,
    retry_after = :retry_after
WHERE id = :id;

-- name: forget_old
DELETE FROM recado_ask AS a WHERE until < ?;
