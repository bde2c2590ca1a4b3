-- name: by_key
SELECT * FROM recado_reference WHERE bot = ? AND channel = ? AND conversation_id = ?;

-- name: by_id
SELECT * FROM recado_reference WHERE id = ?;

-- name: by_number
SELECT * FROM recado_reference WHERE number = ?;

-- name: by_conversation
SELECT * FROM recado_reference WHERE bot = ? AND conversation_id = ?
ORDER BY last_seen DESC LIMIT 1;

-- name: insert
INSERT INTO recado_reference (
    id, bot, channel, conversation_id, pace_key, service_url, former_url, tenant_id,
    conversation_type, is_group, name, locale, timezone, agent, address, health, health_reason,
    health_since, first_seen, last_seen, raw
) VALUES (
    :id, :bot, :channel, :conversation_id, :pace_key, :service_url, :former_url, :tenant_id,
    :conversation_type, :is_group, :name, :locale, :timezone, :agent, :address, :health,
    :health_reason, :at, :at, :at, :raw
);

-- name: refresh
UPDATE recado_reference SET
    service_url = :service_url, former_url = :former_url, tenant_id = :tenant_id,
    conversation_type = :conversation_type, is_group = :is_group, name = :name,
    locale = :locale, timezone = :timezone, agent = :agent, health = :health,
    health_reason = :health_reason,
    health_since = CASE WHEN health = :health THEN health_since ELSE :at END,
    last_seen = max(last_seen, :at), raw = :raw, unheard = 0, unmade = 0, remade = 0
WHERE number = :number;

-- name: seen
UPDATE recado_reference SET last_seen = max(last_seen, ?), unheard = 0, unmade = 0, remade = 0
WHERE number = ?;

-- name: set_address
UPDATE recado_reference SET address = ? WHERE number = ?;

-- name: page
SELECT * FROM recado_reference
WHERE number > :after AND (:bot IS NULL OR bot = :bot)
AND (:channel IS NULL OR channel = :channel) AND (:tenant IS NULL OR tenant_id = :tenant)
AND health IN (SELECT value FROM json_each(:health))
ORDER BY number LIMIT :limit;

-- name: page_unwell
-- As above without those that are well, which are most: the first condition is that of an index.
SELECT * FROM recado_reference
WHERE health <> 'active' AND number > :after AND (:bot IS NULL OR bot = :bot)
AND (:channel IS NULL OR channel = :channel) AND (:tenant IS NULL OR tenant_id = :tenant)
AND health IN (SELECT value FROM json_each(:health))
ORDER BY number LIMIT :limit;

-- name: of_person
-- One index each; a person is one of these, rarely two.
SELECT r.* FROM recado_reference AS r
WHERE r.bot = :bot AND r.number IN (
    SELECT reference FROM recado_member WHERE user_id = :name
    UNION SELECT reference FROM recado_member WHERE aad_object_id = :name
    UNION SELECT reference FROM recado_member WHERE email = :email
)
ORDER BY (r.is_group OR coalesce(r.conversation_type, 'personal') <> 'personal'),
    r.last_seen DESC;

-- name: member
SELECT * FROM recado_member WHERE reference = ? AND user_id = ?;

-- name: two_members
-- As many as it takes to see whether there is only one.
SELECT * FROM recado_member WHERE reference = ? LIMIT 2;

-- name: members
SELECT * FROM recado_member WHERE reference = ? ORDER BY last_seen DESC, user_id;

-- name: members_of_many
SELECT * FROM recado_member WHERE reference IN (SELECT value FROM json_each(?))
ORDER BY reference, last_seen DESC, user_id;

-- name: put_member
INSERT INTO recado_member (reference, user_id, name, aad_object_id, email, last_seen, since)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (reference, user_id) DO UPDATE SET
    name = excluded.name, aad_object_id = excluded.aad_object_id, email = excluded.email,
    last_seen = excluded.last_seen;

-- name: drop_member
DELETE FROM recado_member WHERE reference = ? AND user_id = ?;
