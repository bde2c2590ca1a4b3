-- name: standing
SELECT number, bot, channel, tenant_id, service_url, former_url, last_seen, health, health_reason
FROM recado_reference WHERE number = ?;

-- name: set_health
-- One that is well has proved the service URL it has.
UPDATE recado_reference SET
    health = :health, health_reason = :reason,
    health_since = CASE WHEN health = :health THEN health_since ELSE :at END,
    former_url = CASE WHEN :health = 'active' THEN NULL ELSE former_url END,
    remade = CASE WHEN :health = 'active' THEN 0 ELSE remade END
WHERE number = :number;

-- name: offer
INSERT INTO recado_offer (bot, channel, tenant, service_url, seen_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (bot, channel, tenant) DO UPDATE SET
    service_url = excluded.service_url, seen_at = excluded.seen_at, tried_to = 0
WHERE excluded.seen_at > seen_at AND excluded.service_url <> service_url;

-- name: untried
-- An offer that has not been tried yet in every conversation that is gone.
SELECT * FROM recado_offer WHERE tried_to IS NOT NULL ORDER BY seen_at LIMIT 1;

-- name: gone
-- The second condition on health is the index's own, without which it is not used.
SELECT number, bot, channel, tenant_id, service_url, former_url, last_seen, health, health_reason
FROM recado_reference
WHERE bot = :bot AND channel = :channel AND tenant_id = :tenant AND health = 'gone'
AND health <> 'active' AND number > :tried_to
ORDER BY number LIMIT :limit;

-- name: conversations
-- How many there are per channel.
SELECT channel, count(*) AS many FROM recado_reference WHERE bot = ? GROUP BY channel;

-- name: ailing
-- Of each group SQLite takes the row that has its maximum: the newest.
SELECT channel, health, health_reason, count(*) AS many, max(coalesce(health_since, 0)) AS since
FROM recado_reference WHERE bot = ? AND health <> 'active' GROUP BY channel, health;
