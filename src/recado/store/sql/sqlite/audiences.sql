-- name: within
-- The conversation whose people are meant, by the id of its reference or its own.
SELECT number FROM (
    SELECT number, 0 AS rank, last_seen FROM recado_reference WHERE id = :name AND bot = :bot
    UNION ALL
    SELECT number, 1, last_seen FROM recado_reference WHERE bot = :bot AND conversation_id = :name
) ORDER BY rank, last_seen DESC LIMIT 1;

-- name: window
-- As far as one step looks, whether it finds anybody there or not.
SELECT max(number) FROM (
    SELECT number FROM recado_reference
    WHERE bot = :bot AND number > :after AND number <= :until ORDER BY number LIMIT :look
);

-- name: everywhere
SELECT number, health FROM recado_reference
WHERE bot = :bot AND number > :after AND number <= :window AND unheard = 0
ORDER BY number LIMIT :limit;

-- name: where
-- A condition that was not made is NULL. People's directory ids and addresses are believed only
-- where the channel vouches for them.
SELECT r.number, r.health FROM recado_reference AS r
WHERE r.bot = :bot AND r.number > :after AND r.number <= :window AND r.unheard = 0
AND (:channel IS NULL OR r.channel IN (SELECT value FROM json_each(:channel)))
AND (:tenant IS NULL OR r.tenant_id IN (SELECT value FROM json_each(:tenant)))
AND (:health IS NULL OR r.health IN (SELECT value FROM json_each(:health)))
AND (:timezone IS NULL OR r.timezone IN (SELECT value FROM json_each(:timezone)))
AND (:locale IS NULL OR EXISTS (
    SELECT 1 FROM json_each(:locale)
    WHERE lower(r.locale) = value
    OR substr(lower(r.locale), 1, length(value) + 1) = value || '-'
))
AND (:type IS NULL OR CASE
    WHEN r.conversation_type = 'channel' THEN 'channel'
    WHEN r.is_group OR r.conversation_type = 'groupChat' THEN 'groupChat'
    ELSE coalesce(r.conversation_type, 'personal')
END IN (SELECT value FROM json_each(:type)))
AND (:member IS NULL OR EXISTS (
    SELECT 1 FROM recado_member AS m
    WHERE m.reference = r.number AND (
        m.user_id IN (SELECT value FROM json_each(:member))
        OR (r.channel IN (SELECT value FROM json_each(:vouching)) AND (
            m.aad_object_id IN (SELECT value FROM json_each(:member))
            OR m.email IN (SELECT value FROM json_each(:email))
        ))
    )
))
AND (:domain IS NULL OR EXISTS (
    SELECT 1 FROM recado_member AS m
    WHERE m.reference = r.number AND r.channel IN (SELECT value FROM json_each(:vouching))
    AND substr(m.email, instr(m.email, '@') + 1) IN (SELECT value FROM json_each(:domain))
))
ORDER BY r.number LIMIT :limit;

-- name: everyone
-- The private chat that was known first stands for its person, because that never changes: so
-- each is come to once, however their chats take turns meanwhile. What they get goes to the one
-- they prefer, or else were seen in last, among those that can be reached. With the ids of directories people are the same on several channels;
-- a person of whom nothing is known has this one chat.
SELECT r.number AS first, (
    SELECT p.number FROM recado_reference AS p
    WHERE p.number IN (
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
    AND +p.bot = r.bot AND +p.number <= :until AND p.unheard = 0
    AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal'
    ORDER BY p.health IN ('blocked', 'uninstalled', 'gone'), p.preferred DESC, p.last_seen DESC,
        p.number DESC LIMIT 1
) AS number
FROM recado_reference AS r
WHERE r.bot = :bot AND r.number > :after AND r.number <= :window AND r.unheard = 0
AND NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal'
AND NOT EXISTS (
    SELECT 1 FROM recado_member AS m
    CROSS JOIN recado_member AS o ON o.user_id = m.user_id AND o.reference < r.number
    CROSS JOIN recado_reference AS p ON p.number = o.reference
    WHERE m.reference = r.number AND p.bot = r.bot AND p.channel = r.channel AND p.unheard = 0
    AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal'
)
AND NOT EXISTS (
    SELECT 1 FROM recado_member AS m
    CROSS JOIN recado_member AS o
        ON o.aad_object_id = m.aad_object_id AND o.reference < r.number
    CROSS JOIN recado_reference AS p ON p.number = o.reference
    WHERE m.reference = r.number AND p.bot = r.bot AND p.unheard = 0
    AND r.channel IN (SELECT value FROM json_each(:vouching))
    AND p.channel IN (SELECT value FROM json_each(:vouching))
    AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal'
)
ORDER BY r.number LIMIT :limit;

-- name: people
-- The next people of a conversation: those on its roster, and those who were seen in it. Each
-- part has its own limit, or all that are left would be read in every step.
SELECT user_id, max(aad_object_id) AS aad_object_id FROM (
    SELECT * FROM (
        SELECT user_id, aad_object_id FROM recado_roster
        WHERE reference = :within AND user_id > :person AND since <= :known
        ORDER BY user_id LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT user_id, aad_object_id FROM recado_member
        WHERE reference = :within AND user_id > :person AND since <= :known
        ORDER BY user_id LIMIT :limit
    )
) GROUP BY user_id ORDER BY user_id LIMIT :limit;

-- name: chats
-- The private chat each of these people was seen in last, if they have one. The `+`, here and
-- above, keeps SQLite from reading all references of the bot instead of the few that are named.
SELECT (
    SELECT p.number FROM recado_reference AS p
    WHERE p.number IN (
        SELECT o.reference FROM recado_member AS o
        CROSS JOIN recado_reference AS q ON q.number = o.reference AND q.channel = :channel
        WHERE o.user_id = json_extract(wanted.value, '$[0]')
        UNION
        SELECT o.reference FROM recado_member AS o
        CROSS JOIN recado_reference AS q ON q.number = o.reference
            AND q.channel IN (SELECT value FROM json_each(:vouching))
        WHERE o.aad_object_id = json_extract(wanted.value, '$[1]')
        AND :channel IN (SELECT value FROM json_each(:vouching))
    )
    AND +p.bot = :bot AND +p.number <= :until AND p.unheard = 0
    AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal'
    ORDER BY p.health IN ('blocked', 'uninstalled', 'gone'), p.preferred DESC, p.last_seen DESC,
        p.number DESC LIMIT 1
) AS number
FROM json_each(:people) AS wanted;

-- name: healths
SELECT number, health FROM recado_reference WHERE number IN (SELECT value FROM json_each(?));
