-- name: hold
-- Each by its id, with why and until when.
UPDATE recado_delivery SET
    state = 'held', reason = held.value ->> 0, due_at = held.value ->> 1, head_since = NULL,
    turn = NULL
FROM json_each(?) AS held WHERE recado_delivery.id = held.key;

-- name: overtaking
-- Before which of these something came that was held for one of these reasons, whose time has come,
-- and which nobody has let in yet.
SELECT h.id FROM json_each(:heads) AS head CROSS JOIN recado_delivery AS h ON h.id = head.value
WHERE EXISTS (
    SELECT 1 FROM recado_delivery AS d
    WHERE d.reference = h.reference AND d.state IN ('scheduled', 'held') AND d.state = 'held'
    AND d.reason IN (SELECT value FROM json_each(:reasons)) AND d.due_at <= :now
    AND (d.entry, d.id) < (h.entry, h.id)
);
