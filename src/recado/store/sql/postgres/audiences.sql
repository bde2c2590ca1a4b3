-- name: within
-- The conversation whose people are meant, by the id of its reference or its own.
SELECT number FROM (
    SELECT number, 0 AS rank, last_seen FROM recado_reference WHERE id = :name AND bot = :bot
    UNION ALL
    SELECT number, 1, last_seen FROM recado_reference WHERE bot = :bot AND conversation_id = :name
) AS found ORDER BY rank, last_seen DESC LIMIT 1;

-- name: window
-- As far as one step looks, whether it finds anybody there or not.
SELECT max(number) FROM (
    SELECT number FROM recado_reference
    WHERE bot = :bot AND number > :after AND number <= :until ORDER BY number LIMIT :look
) AS looked_at;

-- name: everywhere
SELECT number, health FROM recado_reference
WHERE bot = :bot AND number > :after AND number <= :window AND NOT unheard
ORDER BY number LIMIT :limit;

-- name: where
-- A condition that was not made is NULL. People's directory ids and addresses are believed only
-- where the channel vouches for them.
SELECT r.number, r.health FROM recado_reference AS r
WHERE r.bot = :bot AND r.number > :after AND r.number <= :window AND NOT r.unheard
AND (CAST(:channel AS json) IS NULL OR r.channel = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:channel AS json)) AS value
)))
AND (CAST(:tenant AS json) IS NULL OR r.tenant_id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:tenant AS json)) AS value
)))
AND (CAST(:health AS json) IS NULL OR r.health = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:health AS json)) AS value
)))
AND (CAST(:timezone AS json) IS NULL OR r.timezone = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:timezone AS json)) AS value
)))
AND (CAST(:locale AS json) IS NULL OR EXISTS (
    SELECT 1 FROM json_array_elements_text(CAST(:locale AS json)) AS value
    WHERE lower(r.locale) = value
    OR substr(lower(r.locale), 1, length(value) + 1) = value || '-'
))
AND (CAST(:type AS json) IS NULL OR CASE
    WHEN r.conversation_type = 'channel' THEN 'channel'
    WHEN r.is_group OR r.conversation_type = 'groupChat' THEN 'groupChat'
    ELSE coalesce(r.conversation_type, 'personal')
END = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(:type AS json)) AS value
)))
AND (CAST(:member AS json) IS NULL OR EXISTS (
    SELECT 1 FROM recado_member AS m
    WHERE m.reference = r.number AND (
        m.user_id = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:member AS json)) AS value
        ))
        OR (r.channel = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
        )) AND (
            m.aad_object_id = ANY(ARRAY(
                SELECT value FROM json_array_elements_text(CAST(:member AS json)) AS value
            ))
            OR m.email = ANY(ARRAY(
                SELECT value FROM json_array_elements_text(CAST(:email AS json)) AS value
            ))
        ))
    )
))
AND (CAST(:domain AS json) IS NULL OR EXISTS (
    SELECT 1 FROM recado_member AS m
    WHERE m.reference = r.number AND r.channel = ANY(ARRAY(
        SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
    ))
    AND substr(m.email, strpos(m.email, '@') + 1) = ANY(ARRAY(
        SELECT value FROM json_array_elements_text(CAST(:domain AS json)) AS value
    ))
))
ORDER BY r.number LIMIT :limit;

-- name: everyone
-- The private chat that was known first stands for its person, because that never changes: so
-- each is come to once, however their chats take turns meanwhile. What they get goes to the one
-- they prefer, or else were seen in last, among those that can be reached. With the ids of directories people are the same on several channels;
-- a person of whom nothing is known has this one chat. With OFFSET 0 PostgreSQL looks for each by
-- itself; it has joined all members with all members before, when it did not know how many there
-- are.
SELECT r.number AS first, (
    SELECT p.number FROM recado_reference AS p
    WHERE p.number = ANY(ARRAY(
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
    AND p.bot = r.bot AND p.number <= :until AND NOT p.unheard
    AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal'
    ORDER BY p.health IN ('blocked', 'uninstalled', 'gone'), p.preferred DESC, p.last_seen DESC,
        p.number DESC LIMIT 1
) AS number
FROM recado_reference AS r
WHERE r.bot = :bot AND r.number > :after AND r.number <= :window AND NOT r.unheard
AND NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal'
AND NOT EXISTS (
    SELECT 1 FROM recado_member AS m WHERE m.reference = r.number AND EXISTS (
        SELECT 1 FROM recado_member AS o
        WHERE o.user_id = m.user_id AND o.reference < r.number AND EXISTS (
            SELECT 1 FROM recado_reference AS p
            WHERE p.number = o.reference AND p.bot = r.bot AND p.channel = r.channel
            AND NOT p.unheard AND NOT p.is_group
            AND coalesce(p.conversation_type, 'personal') = 'personal' OFFSET 0
        ) OFFSET 0
    ) OFFSET 0
)
AND NOT EXISTS (
    SELECT 1 FROM recado_member AS m
    WHERE m.reference = r.number AND r.channel = ANY(ARRAY(
        SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
    ))
    AND EXISTS (
        SELECT 1 FROM recado_member AS o
        WHERE o.aad_object_id = m.aad_object_id AND o.reference < r.number AND EXISTS (
            SELECT 1 FROM recado_reference AS p
            WHERE p.number = o.reference AND p.bot = r.bot AND p.channel = ANY(ARRAY(
                SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
            ))
            AND NOT p.unheard AND NOT p.is_group
            AND coalesce(p.conversation_type, 'personal') = 'personal' OFFSET 0
        ) OFFSET 0
    ) OFFSET 0
)
ORDER BY r.number LIMIT :limit;

-- name: people
-- The next people of a conversation: those on its roster, and those who were seen in it. Each
-- part has its own limit, or all that are left would be read in every step.
SELECT user_id, max(aad_object_id) AS aad_object_id FROM (
    (
        SELECT user_id, aad_object_id FROM recado_roster
        WHERE reference = :within AND user_id > :person AND since <= :known
        ORDER BY user_id LIMIT :limit
    )
    UNION ALL
    (
        SELECT user_id, aad_object_id FROM recado_member
        WHERE reference = :within AND user_id > :person AND since <= :known
        ORDER BY user_id LIMIT :limit
    )
) AS told GROUP BY user_id ORDER BY user_id LIMIT :limit;

-- name: chats
-- The private chat each of these people was seen in last, if they have one; in their order.
SELECT (
    SELECT p.number FROM recado_reference AS p
    WHERE p.number = ANY(ARRAY(
        SELECT o.reference FROM recado_member AS o
        JOIN recado_reference AS q ON q.number = o.reference AND q.channel = CAST(:channel AS text)
        WHERE o.user_id = wanted.value ->> 0
        UNION
        SELECT o.reference FROM recado_member AS o
        JOIN recado_reference AS q ON q.number = o.reference
            AND q.channel = ANY(ARRAY(
                SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
            ))
        WHERE o.aad_object_id = wanted.value ->> 1
        AND CAST(:channel AS text) = ANY(ARRAY(
            SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
        ))
    ))
    AND p.bot = :bot AND p.number <= :until AND NOT p.unheard
    AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal'
    ORDER BY p.health IN ('blocked', 'uninstalled', 'gone'), p.preferred DESC, p.last_seen DESC,
        p.number DESC LIMIT 1
) AS number
FROM json_array_elements(CAST(:people AS json)) WITH ORDINALITY AS wanted (value, place)
ORDER BY wanted.place;

-- name: healths
SELECT number, health FROM recado_reference
WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));
