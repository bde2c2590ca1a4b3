-- name: list
-- What a page says about somebody; since when they are on the roster stays.
INSERT INTO recado_roster (
    reference, user_id, name, aad_object_id, email, principal_name, tenant_id, since, listed_at
)
SELECT :reference, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),
    json_extract(value, '$[5]'), :now, :now
FROM json_each(:members) WHERE true
ON CONFLICT (reference, user_id) DO UPDATE SET
    name = excluded.name, aad_object_id = excluded.aad_object_id, email = excluded.email,
    principal_name = excluded.principal_name, tenant_id = excluded.tenant_id,
    listed_at = excluded.listed_at;

-- name: of_person
-- One index each. Who was listed last is told first.
SELECT e.*, r.id AS within FROM (
    SELECT reference, user_id FROM recado_roster WHERE user_id = :name
    UNION SELECT reference, user_id FROM recado_roster WHERE aad_object_id = :name
    UNION SELECT reference, user_id FROM recado_roster WHERE email = :email
    UNION SELECT reference, user_id FROM recado_roster WHERE principal_name = :email
) AS c
CROSS JOIN recado_roster AS e ON e.reference = c.reference AND e.user_id = c.user_id
CROSS JOIN recado_reference AS r ON r.number = e.reference
WHERE r.bot = :bot ORDER BY e.listed_at DESC, e.reference LIMIT 1;
