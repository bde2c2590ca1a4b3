-- name: outlook
SELECT EXISTS (
        SELECT 1 FROM recado_work WHERE state = 'promised' AND turn IS NULL AND (
            home = :owner OR (
                home IS NULL
                AND name IN (SELECT json_array_elements_text(CAST(:names AS json)))
            )
        )
    ) AS ready,
    (SELECT count(*) FROM recado_work WHERE owner = :owner) AS mine,
    (SELECT min(deadline_at) FROM recado_work WHERE ended_at IS NULL) AS deadline_at,
    (SELECT min(lease_until) FROM recado_work WHERE lease_until IS NOT NULL) AS lease_until,
    (SELECT max(lease_until) FROM recado_work WHERE lease_until IS NOT NULL) AS last_lease_until,
    EXISTS (SELECT 1 FROM recado_work WHERE replacing IS NOT NULL) AS replacing;

-- name: end_turns
-- What waited for the end of a turn need not be kept from others any more.
UPDATE recado_work
SET turn = NULL, owner = home, lease_until = CASE WHEN home IS NOT NULL THEN lease_until END
WHERE id IN (SELECT json_array_elements_text(CAST(:ids AS json)))
AND owner = :owner AND state = 'promised';

-- name: claim
-- What somebody else has in hands is passed over.
UPDATE recado_work
SET state = 'running', owner = :owner, token = token + 1, attempts = attempts + 1,
    lease_until = :lease_until
WHERE id = ANY(ARRAY(
    SELECT id FROM recado_work
    WHERE state = 'promised' AND turn IS NULL AND deadline_at > :now AND (
        home = :owner OR (
            home IS NULL AND name IN (SELECT json_array_elements_text(CAST(:names AS json)))
        )
    )
    ORDER BY place, id LIMIT :limit FOR UPDATE SKIP LOCKED
))
RETURNING id;

-- name: claimed
SELECT w.*, r.id AS reference_id, r.conversation_id
FROM recado_work AS w JOIN recado_reference AS r ON r.number = w.reference
WHERE w.id IN (SELECT json_array_elements_text(CAST(? AS json))) ORDER BY w.place, w.id;

-- name: renew
UPDATE recado_work SET lease_until = :until
WHERE id IN (SELECT json_array_elements_text(CAST(:ids AS json))) AND owner = :owner
RETURNING id, token;

-- name: forget
DELETE FROM recado_work WHERE id = ANY(ARRAY(
    SELECT id FROM recado_work WHERE ended_at < :before ORDER BY ended_at LIMIT :limit
));
