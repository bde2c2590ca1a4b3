-- name: number_of_notification
SELECT number FROM recado_notification WHERE id = ?;

-- name: number_of_reference
SELECT number FROM recado_reference WHERE id = ?;
