-- What is taken away about one person, where the databases differ.

-- name: drop_turn
DELETE FROM recado_turn WHERE bot = ? AND channel = ? AND conversation_id = ?;

-- name: erase_reference
-- Deliveries keep where they went to, and nobody can tell what that was.
UPDATE recado_reference SET
    conversation_id = 'erased:' || id, pace_key = 'erased:' || id, service_url = '',
    tenant_id = NULL, name = NULL, locale = NULL, timezone = NULL, agent = NULL, address = '{}',
    raw = '{}', health = 'gone', health_reason = 'erased', former_url = NULL, unheard = true,
    unmade = false, preferred = false
WHERE number = ?;
