-- name: chats_of
-- The private chats of the people of these ones. With the ids of directories people are the same
-- on several channels, where the channel vouches for them.
SELECT r.number AS anchor, p.number, p.health, p.preferred, p.last_seen
FROM json_each(:anchors) AS wanted
CROSS JOIN recado_reference AS r ON r.number = wanted.value
CROSS JOIN recado_reference AS p ON p.number IN (
    SELECT r.number
    UNION
    SELECT o.reference FROM recado_member AS m
    CROSS JOIN recado_member AS o ON o.user_id = m.user_id
    CROSS JOIN recado_reference AS q ON q.number = o.reference AND q.channel = r.channel
    WHERE m.reference = r.number
    UNION
    SELECT o.reference FROM recado_member AS m
    CROSS JOIN recado_member AS o ON o.aad_object_id = m.aad_object_id
    CROSS JOIN recado_reference AS q ON q.number = o.reference
        AND q.channel IN (SELECT value FROM json_each(:vouching))
    WHERE m.reference = r.number AND r.channel IN (SELECT value FROM json_each(:vouching))
)
WHERE +p.bot = r.bot AND (p.unheard = 0 OR p.number = r.number)
AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal';

-- name: subscriptions
-- Which of these conversations subscribe a topic, and since which number.
SELECT s.reference, s.number FROM json_each(:references) AS wanted
CROSS JOIN recado_subscription AS s ON s.topic = :topic AND s.reference = wanted.value;

-- name: elsewhere
UPDATE recado_delivery SET reference = :there WHERE id IN (SELECT value FROM json_each(:ids));

-- name: told
-- Which of these notifications a conversation has a copy of. Each state is named as in its index,
-- and a conversation has less history than a notification may have.
SELECT d.notification FROM (
    SELECT notification FROM recado_delivery
    WHERE reference = :there AND state IN ('pending', 'sending', 'retrying') AND target IS NULL
    UNION ALL
    SELECT notification FROM recado_delivery
    WHERE reference = :there AND state IN ('scheduled', 'held') AND target IS NULL
    UNION ALL
    SELECT notification FROM recado_delivery
    WHERE +reference = :there AND state = 'unknown' AND target IS NULL
    UNION ALL
    SELECT notification FROM recado_history
    WHERE reference = :there AND +state = 'delivered' AND target IS NULL
) AS d WHERE +d.notification IN (SELECT value FROM json_each(:notifications));
