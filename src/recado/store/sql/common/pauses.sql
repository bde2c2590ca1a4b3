-- name: pause
INSERT INTO recado_pause (kind, bot, channel, tenant, name, reason, since, until, by_whom)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, bot, channel, tenant, name) DO UPDATE SET
    reason = excluded.reason, since = excluded.since, until = excluded.until,
    by_whom = excluded.by_whom;

-- name: resume
DELETE FROM recado_pause WHERE kind = ? AND bot = ? AND channel = ? AND tenant = ? AND name = ?;

-- name: lasting
SELECT * FROM recado_pause WHERE until IS NULL OR until > ?
ORDER BY until IS NOT NULL, until DESC;

-- name: stopping
-- Those of single conversations may be many; what they stop is known lane by lane. An import that
-- has not finished stops everything, also for those who had opened the database before.
SELECT * FROM recado_pause
WHERE kind IN ('all', 'bot', 'credential', 'service_url', 'tenant')
AND (until IS NULL OR until > ?)
UNION ALL
SELECT 'all', '', '', '', '', 'import', i.began_at, NULL, NULL FROM recado_import AS i;

-- name: of_delivery
SELECT p.* FROM recado_delivery AS d
JOIN recado_notification AS n ON n.number = d.notification
JOIN recado_reference AS r ON r.number = d.reference
JOIN recado_pause AS p ON p.kind = 'all'
    OR (p.kind IN ('bot', 'credential') AND p.bot = r.bot)
    OR (p.kind = 'conversation' AND p.bot = r.bot AND p.name = r.id)
    OR (p.kind = 'notification' AND p.bot = n.bot AND p.name = n.id)
    OR (p.kind = 'service_url' AND p.name = r.service_url)
    OR (p.kind = 'tenant' AND p.bot = r.bot AND p.channel = r.channel
        AND p.tenant = coalesce(r.tenant_id, ''))
    OR (p.kind = 'pace_key' AND p.bot = r.bot AND p.channel = r.channel
        AND p.tenant = coalesce(r.tenant_id, '') AND p.name = r.pace_key)
WHERE d.id = ?;

-- name: of_notification
SELECT * FROM recado_pause WHERE kind = 'all' OR (kind IN ('bot', 'credential') AND bot = :bot)
OR (kind = 'notification' AND bot = :bot AND name = :notification);

-- name: forget_pauses
DELETE FROM recado_pause WHERE until <= ?;
