-- name: delivery
SELECT * FROM (
    SELECT id, notification, reference, state, reason, attempts, due_at, NULL AS settled_at,
        expires_at, rank, entry, NULL AS activity_id, NULL AS status, NULL AS owner,
        NULL AS begun_at, stopped, NULL AS decided_by, target
    FROM recado_delivery WHERE id = :id
    UNION ALL
    SELECT id, notification, reference, state, reason, attempts, NULL, settled_at, expires_at,
        rank, NULL, activity_id, status, owner, begun_at, 0, decided_by,
        target
    FROM recado_history WHERE id = :id
) AS d
JOIN (
    SELECT number AS n, id AS notification_id, bot, accepted_at, user, content, handler, action
    FROM recado_notification
) ON n = d.notification
JOIN (
    SELECT number AS r, id AS reference_id, channel, conversation_id, health
    FROM recado_reference
) ON r = d.reference;

-- name: ahead
-- The one being sent or retried is before all others, whatever its rank.
SELECT count(*) FROM recado_delivery AS d JOIN recado_lane AS l ON l.reference = d.reference
WHERE d.reference = :reference AND d.state IN ('pending', 'sending', 'retrying')
AND d.id <> :id AND l.head IS NOT :id
AND (d.id IS l.head OR (d.rank, d.entry, d.id) < (:rank, :entry, :id));
