-- name: sighted
-- As above, for whoever is about to write what was seen: it is this process's until the end of the
-- transaction.
SELECT * FROM recado_reference WHERE bot = ? AND channel = ? AND conversation_id = ?
FOR NO KEY UPDATE;

-- name: refresh
UPDATE recado_reference SET
    service_url = :service_url, former_url = :former_url, tenant_id = :tenant_id,
    conversation_type = :conversation_type, is_group = :is_group, name = :name,
    locale = :locale, timezone = :timezone, agent = :agent, health = CAST(:health AS text),
    health_reason = :health_reason,
    health_since = CASE WHEN health = CAST(:health AS text) THEN health_since ELSE :at END,
    last_seen = greatest(last_seen, :at), raw = :raw, unheard = false, unmade = false,
    remade = false
WHERE number = :number;

-- name: seen
UPDATE recado_reference SET last_seen = greatest(last_seen, ?), unheard = false, unmade = false,
    remade = false
WHERE number = ?;

-- name: unheard
UPDATE recado_reference SET unheard = true WHERE number = ?;

-- name: page
SELECT * FROM recado_reference
WHERE number > :after AND (CAST(:bot AS text) IS NULL OR bot = CAST(:bot AS text))
AND (CAST(:channel AS text) IS NULL OR channel = CAST(:channel AS text))
AND (CAST(:tenant AS text) IS NULL OR tenant_id = CAST(:tenant AS text))
AND health = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:health AS json)) AS value
))
ORDER BY number LIMIT :limit;

-- name: page_unwell
-- As above without those that are well, which are most: the first condition is that of an index.
SELECT * FROM recado_reference
WHERE health <> 'active' AND number > :after
AND (CAST(:bot AS text) IS NULL OR bot = CAST(:bot AS text))
AND (CAST(:channel AS text) IS NULL OR channel = CAST(:channel AS text))
AND (CAST(:tenant AS text) IS NULL OR tenant_id = CAST(:tenant AS text))
AND health = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:health AS json)) AS value
))
ORDER BY number LIMIT :limit;

-- name: of_person
-- One index each; a person is one of these, rarely two.
SELECT r.* FROM recado_reference AS r
WHERE r.bot = :bot AND r.number = ANY(ARRAY(
    SELECT reference FROM recado_member WHERE user_id = CAST(:name AS text)
    UNION SELECT reference FROM recado_member WHERE aad_object_id = CAST(:name AS text)
    UNION SELECT reference FROM recado_member WHERE email = :email
))
ORDER BY (r.is_group OR coalesce(r.conversation_type, 'personal') <> 'personal'),
    r.last_seen DESC;

-- name: two_members
-- As many as it takes to see whether there is only one.
SELECT * FROM recado_member WHERE reference = ? ORDER BY user_id LIMIT 2;

-- name: members_of_many
SELECT * FROM recado_member
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
ORDER BY reference, last_seen DESC, user_id;

-- name: is_private
SELECT NOT is_group AND coalesce(conversation_type, 'personal') = 'personal'
FROM recado_reference WHERE number = ?;

-- name: by_ids
SELECT * FROM recado_reference WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
));
