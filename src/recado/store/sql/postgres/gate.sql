-- name: hold
-- Each by its id, with why and until when.
UPDATE recado_delivery SET
    state = 'held', reason = held.value ->> 0, due_at = CAST(held.value ->> 1 AS bigint),
    head_since = NULL
FROM json_each(CAST(? AS json)) AS held WHERE recado_delivery.id = held.key;
