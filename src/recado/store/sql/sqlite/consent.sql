-- Consent: what holds for somebody under any of the names they are known by.
--
-- Names are the same person's where a private conversation has a member of both. A channel's user
-- id is one on that channel only: elsewhere somebody may have chosen it for themselves. Directory
-- ids and e-mail addresses come from channels that know them, and are one everywhere.

-- name: of_lanes
-- What holds where these are going, each with the user it is about if it goes to a group. It stands
-- under every name of theirs, see `linked`, so that nobody need be looked for here.
SELECT l.value ->> 0 AS lane, n.category, n.said, n.at, n.until FROM json_each(:leaving) AS l
CROSS JOIN recado_reference AS r ON r.number = l.value ->> 0
CROSS JOIN recado_member AS m ON m.reference = r.number
CROSS JOIN recado_consent_now AS n ON n.bot = r.bot
    AND n.identity IN (m.user_id, m.aad_object_id, m.email)
WHERE r.is_group = 0 AND coalesce(r.conversation_type, 'personal') = 'personal'
AND n.kind = 'person' AND (n.channel = '' OR (n.channel = r.channel AND n.identity = m.user_id))
UNION ALL
SELECT l.value ->> 0, n.category, n.said, n.at, n.until FROM json_each(:leaving) AS l
CROSS JOIN recado_reference AS r ON r.number = l.value ->> 0
CROSS JOIN recado_consent_now AS n ON n.bot = r.bot
    AND n.identity IN (l.value ->> 1, l.value ->> 2, l.value ->> 3)
WHERE l.value ->> 1 IS NOT NULL
AND n.kind = 'person' AND (n.channel = '' OR (n.channel = r.channel AND n.identity = l.value ->> 1))
UNION ALL
SELECT r.number, n.category, n.said, n.at, n.until FROM json_each(:leaving) AS l
CROSS JOIN recado_reference AS r ON r.number = l.value ->> 0
CROSS JOIN recado_consent_now AS n ON n.bot = r.bot AND n.identity = r.pace_key
WHERE n.kind = 'conversation' AND n.channel = r.channel;

-- name: linked
-- Every name somebody is known by, who is known by these; each is a channel and a name.
WITH RECURSIVE
part (n) AS (VALUES (1), (2), (3)),
known (channel, identity) AS (
    SELECT value ->> 0, value ->> 1 FROM json_each(:names)
    UNION
    SELECT iif(p.n = 1, r.channel, ''),
        CASE p.n WHEN 1 THEN m.user_id WHEN 2 THEN m.aad_object_id ELSE m.email END AS a_name
    FROM known AS k CROSS JOIN recado_member AS m ON m.user_id = k.identity
        OR m.aad_object_id = k.identity OR m.email = k.identity
    CROSS JOIN recado_reference AS r ON r.number = m.reference CROSS JOIN part AS p
    WHERE r.bot = :bot AND r.is_group = 0
    AND coalesce(r.conversation_type, 'personal') = 'personal' AND a_name IS NOT NULL
    AND CASE WHEN k.channel = '' THEN m.user_id <> k.identity OR r.channel IN (
        SELECT value FROM json_each(:vouching)
    ) ELSE r.channel = k.channel AND m.user_id = k.identity END
)
SELECT k.channel, k.identity FROM known AS k;

-- name: standing
-- What holds under these names of one kind.
SELECT n.identity, n.channel, n.category, n.said, n.at, n.until FROM json_each(:names) AS named
CROSS JOIN recado_consent_now AS n ON n.bot = :bot AND n.identity = named.value ->> 1
WHERE n.kind = :kind AND (n.channel = '' OR n.channel = named.value ->> 0);

-- name: history
-- Newest first, those before one of them.
SELECT DISTINCT c.* FROM json_each(:names) AS named
CROSS JOIN recado_consent AS c ON c.bot = :bot AND c.identity = named.value ->> 1
WHERE c.kind = :kind AND (c.channel = '' OR c.channel = named.value ->> 0)
AND (c.at < :at OR (c.at = :at AND c.id < :id))
ORDER BY c.at DESC, c.id DESC LIMIT :limit;

-- name: chats
-- The private conversations somebody is in who has these names.
SELECT DISTINCT r.number FROM json_each(:names) AS named
CROSS JOIN recado_member AS m ON m.user_id = named.value ->> 1
    OR m.aad_object_id = named.value ->> 1 OR m.email = named.value ->> 1
CROSS JOIN recado_reference AS r ON r.number = m.reference
WHERE r.bot = :bot AND r.is_group = 0
AND coalesce(r.conversation_type, 'personal') = 'personal'
AND (named.value ->> 0 = '' OR r.channel = named.value ->> 0)
ORDER BY r.number;

-- name: places
-- A group's conversations: a channel of Teams has one for each thread.
SELECT number FROM recado_reference
WHERE bot = :bot AND channel = :channel AND (conversation_id = :name OR (
    conversation_id > :name || ';messageid=' AND conversation_id < :name || ';messageid>'
));

-- name: let_on
-- Those that waited for their recipient's silence to end are looked at again.
UPDATE recado_delivery SET due_at = :now
WHERE reference IN (SELECT value FROM json_each(:places)) AND state IN ('scheduled', 'held')
AND state = 'held' AND reason = 'window' AND due_at > :now;
