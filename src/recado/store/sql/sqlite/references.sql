-- name: sighted
-- As by_key, for one that is about to be refreshed: nobody else may meanwhile.
SELECT * FROM recado_reference WHERE bot = ? AND channel = ? AND conversation_id = ?;

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

-- name: unheard
UPDATE recado_reference SET unheard = 1 WHERE number = ?;

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

-- name: two_members
-- As many as it takes to see whether there is only one.
SELECT * FROM recado_member WHERE reference = ? LIMIT 2;

-- name: members_of_many
SELECT * FROM recado_member WHERE reference IN (SELECT value FROM json_each(?))
ORDER BY reference, last_seen DESC, user_id;

-- name: is_private
SELECT is_group = 0 AND coalesce(conversation_type, 'personal') = 'personal'
FROM recado_reference WHERE number = ?;

-- name: by_ids
SELECT * FROM recado_reference WHERE id IN (SELECT value FROM json_each(?));
