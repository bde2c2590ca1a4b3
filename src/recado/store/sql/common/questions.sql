-- name: asked
-- What may be answered in a conversation, the newest first, and what this activity has answered.
SELECT q.delivery, q.notification, q.activity_id, q.handler, q.value, q.mark, q.user_id,
    q.asked_at, q.answered_by
FROM recado_reference AS r JOIN recado_question AS q ON q.reference = r.number
WHERE r.bot = :bot AND r.channel = :channel AND r.conversation_id = :conversation
AND q.expires_at > :now AND (q.answered_at IS NULL OR q.answered_by = :activity)
ORDER BY q.asked_at DESC, q.delivery DESC LIMIT 50;

-- name: overheard
SELECT p.heard_at, p.dialog_since
FROM recado_reference AS r JOIN recado_presence AS p ON p.reference = r.number
WHERE r.bot = ? AND r.channel = ? AND r.conversation_id = ?;

-- name: answer
-- Once: whoever comes second finds nothing to write.
UPDATE recado_question SET answered_at = :now, answered_by = :activity
WHERE delivery = :delivery AND answered_at IS NULL AND expires_at > :now;

-- name: open_again
UPDATE recado_question SET answered_at = NULL, answered_by = NULL
WHERE delivery = ? AND answered_by = ?;

-- name: forget
-- Those whose time is up.
DELETE FROM recado_question WHERE delivery IN (
    SELECT delivery FROM recado_question WHERE expires_at < :before
    ORDER BY expires_at LIMIT :limit
);
