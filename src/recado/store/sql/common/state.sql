-- name: drop
DELETE FROM recado_state WHERE bot = ? AND key = ?;
