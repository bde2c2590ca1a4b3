-- name: outside
-- What waits for a conversation outside its lane, and whom it was for.
SELECT d.id, d.reason, d.target, d.notification, n.bot, n.audience, n.once_key, n.collapse_key,
    coalesce(n.target, n.number) AS version
FROM recado_delivery AS d JOIN recado_notification AS n ON n.number = d.notification
WHERE d.reference = ? AND d.state IN ('scheduled', 'held') ORDER BY d.entry, d.id;

-- name: names
SELECT id, conversation_id, health,
    NOT is_group AND coalesce(conversation_type, 'personal') = 'personal' AS private
FROM recado_reference WHERE number = ?;
