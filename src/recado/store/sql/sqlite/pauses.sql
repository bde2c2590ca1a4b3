-- name: let_on
UPDATE recado_lane SET ready_at = :now WHERE owner IS NULL AND waiting = 1 AND head IS NULL
AND reference IN (SELECT number FROM recado_reference WHERE bot = :bot AND pace_key = :key);

-- name: count
INSERT INTO recado_pace (bot, channel, tenant, name, operation, second, many, fifths, last_at)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[8]')
FROM json_each(?) WHERE true
ON CONFLICT (bot, channel, tenant, name, operation, second)
DO UPDATE SET many = many + excluded.many, fifths = fifths + excluded.fifths,
    last_at = max(last_at, excluded.last_at);

-- name: counted
SELECT p.bot, p.channel, p.tenant, p.name, p.operation, p.second, p.many, p.fifths,
    p.last_at
FROM json_each(:keys) AS asked CROSS JOIN recado_pace AS p
WHERE p.bot = json_extract(asked.value, '$[0]') AND p.channel = json_extract(asked.value, '$[1]')
AND p.tenant = json_extract(asked.value, '$[2]') AND p.name = json_extract(asked.value, '$[3]')
AND p.second >= :since;

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
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
    FROM json_each(:scopes)
)
GROUP BY 1, 2, 3, 4, 5;

-- name: forget_stamps
DELETE FROM recado_pace WHERE (bot, channel, tenant, name, operation, second) IN (
    SELECT bot, channel, tenant, name, operation, second FROM recado_pace
    WHERE second < :before ORDER BY second LIMIT :limit
);
