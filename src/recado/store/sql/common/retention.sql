-- name: sends
-- The next deliveries with recorded sends, each with whether nothing is left of it but these.
SELECT s.delivery AS id, count(*) AS weight,
    NOT EXISTS (SELECT 1 FROM recado_delivery AS d WHERE d.id = s.delivery)
    AND NOT EXISTS (SELECT 1 FROM recado_history AS h WHERE h.id = s.delivery) AS outlived
FROM recado_send AS s WHERE s.delivery > :after AND s.delivery < :until
GROUP BY s.delivery ORDER BY s.delivery LIMIT :limit;

-- name: notifications
-- The next notifications, each with whether it may go: nothing is left of it and of its changes.
SELECT n.id, n.number, 1 AS weight,
    n.target IS NULL AND n.accepted_at < :before
    AND n.expand_after IS NULL AND n.copies_after IS NULL
    AND NOT EXISTS (SELECT 1 FROM recado_delivery AS d WHERE d.notification = n.number)
    AND NOT EXISTS (SELECT 1 FROM recado_history AS h WHERE h.notification = n.number)
    AND NOT EXISTS (
        SELECT 1 FROM recado_notification AS c WHERE c.target = n.number AND (
            c.accepted_at >= :before OR c.expand_after IS NOT NULL OR c.copies_after IS NOT NULL
            OR EXISTS (SELECT 1 FROM recado_delivery AS d WHERE d.notification = c.number)
            OR EXISTS (SELECT 1 FROM recado_history AS h WHERE h.notification = c.number)
        )
    ) AS outlived
FROM recado_notification AS n WHERE n.id > :after AND n.id < :until
ORDER BY n.id LIMIT :limit;

-- name: forget_audit
DELETE FROM recado_audit WHERE number IN (
    SELECT number FROM recado_audit WHERE at < :before ORDER BY at LIMIT :limit
);
