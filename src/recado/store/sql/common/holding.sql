-- name: number
SELECT number AS reference FROM recado_reference WHERE id = ?;
