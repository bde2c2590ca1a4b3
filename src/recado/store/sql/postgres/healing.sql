-- name: standing
-- Of a conversation that may be about to change.
SELECT number, bot, channel, tenant_id, service_url, former_url, last_seen, health, health_reason
FROM recado_reference WHERE number = ?
FOR NO KEY UPDATE;

-- name: set_health
-- One that is well has proved the service URL it has.
UPDATE recado_reference SET
    health = CAST(:health AS text), health_reason = :reason,
    health_since = CASE WHEN health = CAST(:health AS text) THEN health_since ELSE :at END,
    former_url = CASE WHEN CAST(:health AS text) = 'active' THEN NULL ELSE former_url END,
    remade = remade AND CAST(:health AS text) <> 'active'
WHERE number = :number;

-- name: offer
INSERT INTO recado_offer (bot, channel, tenant, service_url, seen_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (bot, channel, tenant) DO UPDATE SET
    service_url = excluded.service_url, seen_at = excluded.seen_at, tried_to = 0
WHERE excluded.seen_at > recado_offer.seen_at
AND excluded.service_url <> recado_offer.service_url;

-- name: untried
-- An offer that has not been tried yet in every conversation that is gone, and that nobody else
-- is trying.
SELECT * FROM recado_offer WHERE tried_to IS NOT NULL ORDER BY seen_at LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: gone
-- One that somebody else holds just now is passed over, and has to wait for the next offer.
SELECT number, bot, channel, tenant_id, service_url, former_url, last_seen, health, health_reason
FROM recado_reference
WHERE bot = :bot AND channel = :channel AND tenant_id = :tenant AND health = 'gone'
AND number > :tried_to
ORDER BY number LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED;

-- name: conversations
-- How many there are per channel.
SELECT channel, count(*) AS many FROM recado_reference WHERE bot = ?
GROUP BY channel ORDER BY channel;

-- name: ailing
-- Of each group the newest.
SELECT DISTINCT ON (channel, health) channel, health, health_reason,
    count(*) OVER (PARTITION BY channel, health) AS many, coalesce(health_since, 0) AS since
FROM recado_reference WHERE bot = ? AND health <> 'active'
ORDER BY channel, health, coalesce(health_since, 0) DESC;
