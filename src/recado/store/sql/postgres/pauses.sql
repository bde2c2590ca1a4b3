-- name: let_on
-- From the lanes that wait, which are few, to their conversations; these are locked first, and in
-- one order.
UPDATE recado_lane SET ready_at = :now WHERE reference = ANY(ARRAY(
    SELECT l.reference FROM recado_lane AS l JOIN recado_reference AS r ON r.number = l.reference
    WHERE l.owner IS NULL AND l.waiting = 1 AND l.head IS NULL
    AND r.bot = :bot AND r.pace_key = :key AND r.number = ANY(ARRAY(
        SELECT w.reference FROM recado_lane AS w
        WHERE w.owner IS NULL AND w.waiting = 1 AND w.head IS NULL
    ))
    ORDER BY l.reference
    FOR NO KEY UPDATE OF r, l
));

-- name: count
-- In one order, so that two processes do not wait for each other.
INSERT INTO recado_pace (bot, channel, tenant, name, operation, second, many, fifths, last_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
    CAST(value ->> 5 AS bigint), CAST(value ->> 6 AS bigint), CAST(value ->> 7 AS bigint),
    CAST(value ->> 8 AS bigint)
FROM json_array_elements(CAST(? AS json)) AS value
ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (bot, channel, tenant, name, operation, second)
DO UPDATE SET many = recado_pace.many + excluded.many,
    fifths = recado_pace.fifths + excluded.fifths,
    last_at = greatest(recado_pace.last_at, excluded.last_at);

-- name: counted
SELECT p.bot, p.channel, p.tenant, p.name, p.operation, p.second, p.many, p.fifths,
    p.last_at
FROM json_array_elements(CAST(:keys AS json)) AS asked
CROSS JOIN LATERAL (
    SELECT * FROM recado_pace AS x
    WHERE x.bot = asked ->> 0 AND x.channel = asked ->> 1 AND x.tenant = asked ->> 2
    AND x.name = asked ->> 3 AND x.second >= :since
) AS p;

-- name: begun_elsewhere
-- Attempts of others, and turns only while their conversation is being made: what a turn sends is
-- asked leave for.
SELECT r.bot, r.channel, coalesce(r.tenant_id, '') AS tenant, r.pace_key AS name, r.unmade,
    count(*) AS many
FROM recado_lane AS l
JOIN recado_reference AS r ON r.number = l.reference
JOIN recado_delivery AS d ON d.id = l.head
JOIN recado_notification AS n ON n.number = d.notification
WHERE l.owner IS NOT NULL AND l.owner <> :me AND (n.handler IS NULL OR r.unmade)
AND (r.bot, r.channel, coalesce(r.tenant_id, '')) IN (
    SELECT value ->> 0, value ->> 1, value ->> 2
    FROM json_array_elements(CAST(:scopes AS json)) AS value
)
GROUP BY 1, 2, 3, 4, 5;

-- name: forget_stamps
-- By where the rows lie, which does not change while they are locked.
DELETE FROM recado_pace WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM recado_pace WHERE second < :before ORDER BY second LIMIT :limit
    FOR UPDATE SKIP LOCKED
));
