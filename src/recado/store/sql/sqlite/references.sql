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
    id, bot, channel, conversation_id, pace_key, service_url, tenant_id, conversation_type,
    is_group, name, locale, timezone, agent, address, health, health_reason, first_seen,
    last_seen, raw
) VALUES (
    :id, :bot, :channel, :conversation_id, :pace_key, :service_url, :tenant_id,
    :conversation_type, :is_group, :name, :locale, :timezone, :agent, :address, :health,
    :health_reason, :first_seen, :last_seen, :raw
);

-- name: refresh
UPDATE recado_reference SET
    service_url = :service_url, tenant_id = :tenant_id, conversation_type = :conversation_type,
    is_group = :is_group, name = :name, locale = :locale, timezone = :timezone, agent = :agent,
    address = :address, health = :health, health_reason = :health_reason,
    last_seen = :last_seen, raw = :raw
WHERE number = :number;

-- name: seen
UPDATE recado_reference SET last_seen = max(last_seen, ?) WHERE number = ?;

-- name: set_health
UPDATE recado_reference SET health = ?, health_reason = ? WHERE number = ?;

-- name: set_service_url
UPDATE recado_reference SET service_url = ? WHERE number = ?;

-- name: set_address
UPDATE recado_reference SET address = ? WHERE number = ?;

-- name: page
SELECT * FROM recado_reference
WHERE number > :after AND (:bot IS NULL OR bot = :bot)
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

-- name: members
SELECT * FROM recado_member WHERE reference = ? ORDER BY last_seen DESC, user_id;

-- name: members_of_many
SELECT * FROM recado_member WHERE reference IN (SELECT value FROM json_each(?))
ORDER BY reference, last_seen DESC, user_id;

-- name: put_member
-- What an activity does not say about a person stays as it was.
INSERT INTO recado_member (reference, user_id, name, aad_object_id, email, last_seen)
VALUES (:reference, :user_id, :name, :aad_object_id, :email, :last_seen)
ON CONFLICT (reference, user_id) DO UPDATE SET
    name = coalesce(excluded.name, name),
    aad_object_id = coalesce(excluded.aad_object_id, aad_object_id),
    email = coalesce(excluded.email, email),
    last_seen = max(last_seen, excluded.last_seen);

-- name: drop_member
DELETE FROM recado_member WHERE reference = ? AND user_id = ? AND last_seen <= ?;
