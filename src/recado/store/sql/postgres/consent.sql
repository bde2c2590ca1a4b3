-- Consent: what holds for somebody under any of the names they are known by.
--
-- Names are the same person's where a private conversation has a member of both. A channel's user
-- id is one on that channel only: elsewhere somebody may have chosen it for themselves. Directory
-- ids and e-mail addresses come from channels that know them, and are one everywhere.

-- name: of_lanes
-- What holds where these are going, each with the user it is about if it goes to a group. It stands
-- under every name of theirs, see `linked`, so that nobody need be looked for here.
SELECT r.number AS lane, n.category, n.said, n.at, n.until
FROM json_array_elements(CAST(:leaving AS json)) AS l
JOIN recado_reference AS r ON r.number = CAST(l ->> 0 AS bigint)
JOIN recado_member AS m ON m.reference = r.number
CROSS JOIN LATERAL (
    SELECT * FROM recado_consent_now WHERE bot = r.bot AND kind = 'person'
    AND identity = ANY(ARRAY[m.user_id, m.aad_object_id, m.email]) OFFSET 0
) AS n
WHERE NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal'
AND (n.channel = '' OR (n.channel = r.channel AND n.identity = m.user_id))
UNION ALL
SELECT r.number, n.category, n.said, n.at, n.until
FROM json_array_elements(CAST(:leaving AS json)) AS l
JOIN recado_reference AS r ON r.number = CAST(l ->> 0 AS bigint)
CROSS JOIN LATERAL (
    SELECT * FROM recado_consent_now WHERE bot = r.bot AND kind = 'person'
    AND identity = ANY(ARRAY[l ->> 1, l ->> 2, l ->> 3]) OFFSET 0
) AS n
WHERE (l ->> 1) IS NOT NULL
AND (n.channel = '' OR (n.channel = r.channel AND n.identity = (l ->> 1)))
UNION ALL
SELECT r.number, n.category, n.said, n.at, n.until
FROM json_array_elements(CAST(:leaving AS json)) AS l
JOIN recado_reference AS r ON r.number = CAST(l ->> 0 AS bigint)
CROSS JOIN LATERAL (
    SELECT * FROM recado_consent_now
    WHERE bot = r.bot AND identity = r.pace_key AND kind = 'conversation' AND channel = r.channel
    OFFSET 0
) AS n;

-- name: linked
-- Every name somebody is known by, who is known by these; each is a channel and a name.
WITH RECURSIVE known (channel, identity) AS (
    SELECT (value ->> 0) COLLATE "C", (value ->> 1) COLLATE "C"
    FROM json_array_elements(CAST(:names AS json)) AS value
    UNION
    SELECT i.channel, i.identity
    FROM known CROSS JOIN LATERAL (
        SELECT * FROM recado_member WHERE user_id = known.identity
        UNION SELECT * FROM recado_member
        WHERE aad_object_id = known.identity AND known.channel = ''
        UNION SELECT * FROM recado_member WHERE email = known.identity AND known.channel = ''
    ) AS m
    CROSS JOIN LATERAL (
        SELECT * FROM recado_reference WHERE number = m.reference OFFSET 0
    ) AS r
    CROSS JOIN LATERAL (
        VALUES (r.channel, m.user_id), ('', m.aad_object_id), ('', m.email)
    ) AS i (channel, identity)
    WHERE r.bot = :bot AND NOT r.is_group
    AND coalesce(r.conversation_type, 'personal') = 'personal' AND i.identity IS NOT NULL
    AND CASE WHEN known.channel = '' THEN m.user_id <> known.identity OR r.channel = ANY(ARRAY(
        SELECT value FROM json_array_elements_text(CAST(:vouching AS json)) AS value
    )) ELSE r.channel = known.channel END
)
SELECT channel, identity FROM known;

-- name: standing
-- What holds under these names of one kind.
SELECT n.identity, n.channel, n.category, n.said, n.at, n.until
FROM json_array_elements(CAST(:names AS json)) AS named
CROSS JOIN LATERAL (
    SELECT * FROM recado_consent_now
    WHERE bot = :bot AND identity = (named ->> 1) AND kind = :kind OFFSET 0
) AS n
WHERE n.channel = '' OR n.channel = (named ->> 0);

-- name: history
-- Newest first, those before one of them.
SELECT DISTINCT c.* FROM json_array_elements(CAST(:names AS json)) AS named
JOIN recado_consent AS c ON c.bot = :bot AND c.identity = (named ->> 1)
WHERE c.kind = :kind AND (c.channel = '' OR c.channel = (named ->> 0))
AND (c.at < :at OR (c.at = :at AND c.id < CAST(:id AS text)))
ORDER BY c.at DESC, c.id DESC LIMIT :limit;

-- name: chats
-- The private conversations somebody is in who has these names.
SELECT DISTINCT r.number
FROM json_array_elements(CAST(:names AS json)) AS named
CROSS JOIN LATERAL (
    SELECT reference FROM recado_member WHERE user_id = (named ->> 1)
    UNION SELECT reference FROM recado_member WHERE aad_object_id = (named ->> 1)
    UNION SELECT reference FROM recado_member WHERE email = (named ->> 1)
) AS m
JOIN recado_reference AS r ON r.number = m.reference
WHERE r.bot = :bot AND NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal'
AND ((named ->> 0) = '' OR r.channel = (named ->> 0))
ORDER BY r.number;

-- name: places
-- A group's conversations: a channel of Teams has one for each thread.
SELECT number FROM recado_reference
WHERE bot = :bot AND channel = :channel AND (conversation_id = CAST(:name AS text) OR (
    conversation_id > CAST(:name AS text) || ';messageid='
    AND conversation_id < CAST(:name AS text) || ';messageid>'
));

-- name: let_on
-- Those that waited for their recipient's silence to end are looked at again.
UPDATE recado_delivery SET due_at = :now
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:places AS json)) AS value
)) AND state = 'held' AND reason = 'window' AND due_at > :now;
