-- name: last
SELECT coalesce(max(number), 0) FROM recado_reference WHERE bot = ?;

-- name: number
SELECT number, audience FROM recado_notification WHERE id = ?;
