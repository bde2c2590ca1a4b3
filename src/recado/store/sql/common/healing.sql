-- name: number
SELECT number FROM recado_reference WHERE id = ?;

-- name: move
UPDATE recado_reference SET service_url = ?, former_url = ? WHERE number = ?;

-- name: offered
SELECT service_url, seen_at FROM recado_offer WHERE bot = ? AND channel = ? AND tenant = ?;

-- name: tried
UPDATE recado_offer SET tried_to = ? WHERE bot = ? AND channel = ? AND tenant = ?;
