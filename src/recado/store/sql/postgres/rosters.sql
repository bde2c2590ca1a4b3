-- name: list
-- What a page says about somebody; since when they are on the roster stays. Of somebody who is on
-- a page twice the last counts.
INSERT INTO recado_roster (
    reference, user_id, name, aad_object_id, email, principal_name, tenant_id, since, listed_at
)
SELECT DISTINCT ON (2) CAST(:reference AS bigint), told.value ->> 0, told.value ->> 1,
    told.value ->> 2, told.value ->> 3, told.value ->> 4, told.value ->> 5, CAST(:now AS bigint),
    CAST(:now AS bigint)
FROM json_array_elements(CAST(:members AS json)) WITH ORDINALITY AS told (value, place)
ORDER BY 2, told.place DESC
ON CONFLICT (reference, user_id) DO UPDATE SET
    name = excluded.name, aad_object_id = excluded.aad_object_id, email = excluded.email,
    principal_name = excluded.principal_name, tenant_id = excluded.tenant_id,
    listed_at = excluded.listed_at;

-- name: of_person
-- One index each. Who was listed last is told first.
SELECT e.*, r.id AS within FROM (
    SELECT reference, user_id FROM recado_roster WHERE user_id = CAST(:name AS text)
    UNION SELECT reference, user_id FROM recado_roster WHERE aad_object_id = CAST(:name AS text)
    UNION SELECT reference, user_id FROM recado_roster WHERE email = CAST(:email AS text)
    UNION SELECT reference, user_id FROM recado_roster WHERE principal_name = CAST(:email AS text)
) AS c
JOIN recado_roster AS e ON e.reference = c.reference AND e.user_id = c.user_id
JOIN recado_reference AS r ON r.number = e.reference
WHERE r.bot = :bot ORDER BY e.listed_at DESC, e.reference LIMIT 1;
