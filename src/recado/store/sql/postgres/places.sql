-- name: chats_of
-- The private chats of the people of these ones. With the ids of directories people are the same
-- on several channels, where the channel vouches for them. With OFFSET 0 PostgreSQL looks for each
-- by itself.
SELECT r.number AS anchor, p.number, p.health, p.preferred, p.last_seen
FROM json_array_elements_text(CAST(:anchors AS json)) AS wanted
JOIN recado_reference AS r ON r.number = CAST(wanted AS bigint)
CROSS JOIN LATERAL (
    SELECT found.number, found.health, found.preferred, found.last_seen
    FROM recado_reference AS found WHERE found.number = ANY(ARRAY(
        SELECT r.number
        UNION
        SELECT o.reference FROM recado_member AS m CROSS JOIN LATERAL (
            SELECT reference FROM recado_member WHERE user_id = m.user_id OFFSET 0
        ) AS o CROSS JOIN LATERAL (
            SELECT channel FROM recado_reference WHERE number = o.reference OFFSET 0
        ) AS q
        WHERE m.reference = r.number AND q.channel = r.channel
        UNION
        SELECT o.reference FROM recado_member AS m CROSS JOIN LATERAL (
            SELECT reference FROM recado_member WHERE aad_object_id = m.aad_object_id OFFSET 0
        ) AS o CROSS JOIN LATERAL (
            SELECT channel FROM recado_reference WHERE number = o.reference OFFSET 0
        ) AS q
        WHERE m.reference = r.number AND r.channel = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
        ))
        AND q.channel = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
        ))
    ))
    AND found.bot = r.bot AND (NOT found.unheard OR found.number = r.number)
    AND NOT found.is_group AND coalesce(found.conversation_type, 'personal') = 'personal'
    OFFSET 0
) AS p;

-- name: subscriptions
-- Which of these conversations subscribe a topic, and since which number.
SELECT s.reference, s.number
FROM json_array_elements_text(CAST(:references AS json)) AS wanted
JOIN recado_subscription AS s ON s.topic = :topic AND s.reference = CAST(wanted AS bigint);

-- name: elsewhere
UPDATE recado_delivery SET reference = :there WHERE id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:ids AS json)) AS value
));

-- name: told
-- Which of these notifications a conversation has a copy of. With OFFSET 0 PostgreSQL looks into
-- what the conversation has, of which there is less than a notification may have.
SELECT d.notification FROM (
    SELECT notification FROM recado_delivery
    WHERE reference = :there AND state IN ('pending', 'sending', 'retrying') AND target IS NULL
    UNION ALL
    SELECT notification FROM recado_delivery
    WHERE reference = :there AND state IN ('scheduled', 'held') AND target IS NULL
    UNION ALL
    SELECT notification FROM recado_delivery
    WHERE reference = :there AND state = 'unknown' AND target IS NULL
    UNION ALL
    SELECT notification FROM recado_history
    WHERE reference = :there AND state = 'delivered' AND target IS NULL
    OFFSET 0
) AS d WHERE d.notification = ANY(ARRAY(
    SELECT CAST(value AS bigint)
    FROM json_array_elements_text(CAST(:notifications AS json)) AS value
));
