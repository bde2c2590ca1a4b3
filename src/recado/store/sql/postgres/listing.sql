-- Which deliveries are meant. Each way in goes through the index it is named after; the other
-- conditions are checked on the way. Both halves of a page are cut before they are joined, so that
-- a page costs a page.

-- name: page
-- A half that has none of the states is not read at all.
SELECT id FROM (
    (
        SELECT d.id FROM recado_delivery AS d
        WHERE d.id < :before AND (CAST(:states AS json) IS NULL OR EXISTS (
            SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
            WHERE value IN (
                'scheduled', 'pending', 'sending', 'retrying', 'held', 'unknown'
            )
        ))
        AND (CAST(:states AS json) IS NULL OR d.state = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
        )))
        AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
        AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
        AND (CAST(:bot AS text) IS NULL OR CAST(:bot AS text) = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        ))
        ORDER BY d.id DESC LIMIT :limit
    )
    UNION ALL
    (
        SELECT d.id FROM recado_history AS d
        WHERE d.id < :before AND (CAST(:states AS json) IS NULL OR EXISTS (
            SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
            WHERE value IN (
                'delivered', 'rejected', 'expired', 'cancelled', 'superseded', 'suppressed'
            )
        ))
        AND (CAST(:states AS json) IS NULL OR d.state = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
        )))
        AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
        AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
        AND (CAST(:bot AS text) IS NULL OR CAST(:bot AS text) = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        ))
        ORDER BY d.id DESC LIMIT :limit
    )
) AS d ORDER BY id DESC LIMIT :limit;

-- name: page_of_notification
-- State by state, because the index of the history has the states before the ids.
SELECT id FROM (
    (
        SELECT d.id FROM recado_delivery AS d
        WHERE d.notification = :notification AND d.id < :before
        AND (CAST(:states AS json) IS NULL OR d.state = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
        )))
        AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
        AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
        ORDER BY d.id DESC LIMIT :limit
    )
    UNION ALL
    SELECT h.id FROM (
        VALUES ('delivered'), ('rejected'), ('expired'), ('cancelled'), ('superseded'),
            ('suppressed')
    ) AS s (state) CROSS JOIN LATERAL (
        SELECT d.id FROM recado_history AS d
        WHERE d.notification = :notification AND d.state = s.state AND d.id < :before
        AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
        AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
        ORDER BY d.id DESC LIMIT :limit
    ) AS h
    WHERE CAST(:states AS json) IS NULL OR s.state = ANY(ARRAY(
        SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
    ))
) AS d ORDER BY id DESC LIMIT :limit;

-- name: page_of_dead
-- The states are named as in the indexes, or these would not be used.
SELECT id FROM (
    (
        SELECT d.id FROM recado_delivery AS d
        WHERE d.state = 'unknown' AND d.id < :before AND 'unknown' IN (
            SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
        )
        AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
        AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
        AND (CAST(:bot AS text) IS NULL OR CAST(:bot AS text) = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        ))
        ORDER BY d.id DESC LIMIT :limit
    )
    UNION ALL
    (
        SELECT d.id FROM recado_history AS d
        WHERE d.state = 'rejected' AND d.id < :before AND 'rejected' IN (
            SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
        )
        AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
        AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
        AND (CAST(:bot AS text) IS NULL OR CAST(:bot AS text) = (
            SELECT bot FROM recado_notification WHERE number = d.notification
        ))
        ORDER BY d.id DESC LIMIT :limit
    )
) AS d ORDER BY id DESC LIMIT :limit;

-- name: live
-- Oldest first, for steering; so below.
SELECT d.id FROM recado_delivery AS d WHERE d.id > :after
AND d.state = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
))
AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
AND (CAST(:bot AS text) IS NULL OR CAST(:bot AS text) = (
    SELECT bot FROM recado_notification WHERE number = d.notification
))
ORDER BY d.id LIMIT :limit;

-- name: live_of_notification
SELECT d.id FROM recado_delivery AS d WHERE d.notification = :notification AND d.id > :after
AND d.state = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
))
AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
ORDER BY d.id LIMIT :limit;

-- name: live_of_reference
-- One index holds what stands in the lane, the other what waits outside.
SELECT id FROM (
    SELECT d.id, d.state, d.reason FROM recado_delivery AS d
    WHERE d.reference = :reference AND d.state IN ('pending', 'sending', 'retrying')
    UNION ALL
    SELECT d.id, d.state, d.reason FROM recado_delivery AS d
    WHERE d.reference = :reference AND d.state IN ('scheduled', 'held')
    UNION ALL
    SELECT d.id, d.state, d.reason FROM recado_delivery AS d
    WHERE d.state = 'unknown' AND d.reference = :reference
) AS d WHERE d.id > :after
AND d.state = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:states AS json)) AS value
))
AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
ORDER BY d.id LIMIT :limit;

-- name: rejected
SELECT d.id FROM recado_history AS d WHERE d.state = 'rejected' AND d.id > :after
AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
AND (CAST(:bot AS text) IS NULL OR CAST(:bot AS text) = (
    SELECT bot FROM recado_notification WHERE number = d.notification
))
ORDER BY d.id LIMIT :limit;

-- name: rejected_of_notification
SELECT d.id FROM recado_history AS d
WHERE d.notification = :notification AND d.state = 'rejected' AND d.id > :after
AND (CAST(:reason AS text) IS NULL OR d.reason = CAST(:reason AS text))
AND (CAST(:reference AS bigint) IS NULL OR d.reference = CAST(:reference AS bigint))
ORDER BY d.id LIMIT :limit;

-- name: deliveries
-- Each by itself, so that only the month its id is of is looked into.
SELECT d.*, n.id AS notification_id, n.bot, n.accepted_at, n."user", r.id AS reference_id
FROM json_array_elements_text(CAST(:ids AS json)) AS wanted (id) CROSS JOIN LATERAL (
    SELECT id, notification, reference, state, reason, attempts, due_at,
        CAST(NULL AS bigint) AS settled_at, expires_at, CAST(NULL AS text) AS activity_id,
        CAST(NULL AS int) AS status, CAST(NULL AS text) AS owner, CAST(NULL AS bigint) AS begun_at
    FROM recado_delivery WHERE id = wanted.id
    UNION ALL
    SELECT id, notification, reference, state, reason, attempts, NULL AS due_at,
        settled_at, expires_at, activity_id, status, owner, begun_at
    FROM recado_history WHERE id = wanted.id
    OFFSET 0
) AS d CROSS JOIN LATERAL (
    SELECT id, bot, accepted_at, "user" FROM recado_notification
    WHERE number = d.notification OFFSET 0
) AS n CROSS JOIN LATERAL (
    SELECT id FROM recado_reference WHERE number = d.reference OFFSET 0
) AS r
ORDER BY d.id DESC;

-- name: last_attempts
SELECT a.* FROM recado_attempt AS a
WHERE a.delivery IN (SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value)
AND a.number = (
    SELECT max(b.number) FROM recado_attempt AS b WHERE b.delivery = a.delivery
) ORDER BY a.started_at;
