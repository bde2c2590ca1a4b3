-- name: hold
-- Each by its id, with why and until when.
UPDATE recado_delivery SET
    state = 'held', reason = held.value ->> 0, due_at = CAST(held.value ->> 1 AS bigint),
    head_since = NULL, turn = NULL
FROM json_each(CAST(? AS json)) AS held WHERE recado_delivery.id = held.key;

-- name: overtaking
-- Before which of these something came that was held for one of these reasons, whose time has come,
-- and which nobody has let in yet.
SELECT h.id FROM recado_delivery AS h
WHERE h.id = ANY(ARRAY(SELECT value FROM json_array_elements_text(CAST(:heads AS json)) AS value))
AND EXISTS (
    SELECT 1 FROM recado_delivery AS d
    WHERE d.reference = h.reference AND d.state = 'held'
    AND d.reason = ANY(ARRAY(
        SELECT value FROM json_array_elements_text(CAST(:reasons AS json)) AS value
    )) AND d.due_at <= :now
    AND (d.entry, d.id) < (h.entry, h.id)
);
