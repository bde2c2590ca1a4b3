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
)
RETURNING number;

-- name: set_address
UPDATE recado_reference SET address = ? WHERE number = ?;

-- name: member
SELECT * FROM recado_member WHERE reference = ? AND user_id = ?;

-- name: members
SELECT * FROM recado_member WHERE reference = ? ORDER BY last_seen DESC, user_id;

-- name: put_member
INSERT INTO recado_member (reference, user_id, name, aad_object_id, email, last_seen, since)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (reference, user_id) DO UPDATE SET
    name = excluded.name, aad_object_id = excluded.aad_object_id, email = excluded.email,
    last_seen = excluded.last_seen;

-- name: drop_member
DELETE FROM recado_member WHERE reference = ? AND user_id = ?;
