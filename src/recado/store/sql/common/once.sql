-- name: keep
UPDATE recado_notification SET once_key = ?, once_every = ? WHERE number = ?;

-- name: wanted
SELECT bot, once_key, once_every, accepted_at FROM recado_notification
WHERE number = ? AND once_key IS NOT NULL;
