-- name: go_on
INSERT INTO recado_roster_reading (reference, began_at, continuation, listed)
VALUES (:reference, :began_at, :continuation, :listed)
ON CONFLICT (reference) DO UPDATE SET
    began_at = excluded.began_at, continuation = excluded.continuation, listed = excluded.listed;

-- name: ended
DELETE FROM recado_roster_reading WHERE reference = ?;

-- name: drop_unlisted
-- Who was not on any page has left.
DELETE FROM recado_roster WHERE reference = ? AND listed_at < ?;

-- name: reading
SELECT g.began_at, g.continuation, g.listed FROM recado_roster_reading AS g
JOIN recado_reference AS r ON r.number = g.reference WHERE r.id = ?;

-- name: number
SELECT number FROM recado_reference WHERE id = ?;

-- name: page
SELECT e.* FROM recado_roster AS e JOIN recado_reference AS r ON r.number = e.reference
WHERE r.id = :reference AND e.user_id > :after ORDER BY e.user_id LIMIT :limit;
