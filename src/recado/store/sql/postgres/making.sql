-- name: wished
UPDATE recado_reference SET unheard = true, unmade = true, pace_key = ? WHERE number = ?;

-- name: begun_here
UPDATE recado_reference SET unheard = true WHERE number = ?;

-- name: unmade
-- It is about to be changed.
SELECT number, id, bot, channel, conversation_id, service_url FROM recado_reference
WHERE number = ? AND unmade
FOR NO KEY UPDATE;

-- name: make_again
UPDATE recado_reference SET unmade = true WHERE number = ? AND NOT unmade;

-- name: not_made_again
UPDATE recado_reference SET unmade = false, remade = true
WHERE number = ? AND NOT starts_with(conversation_id, 'to-be-made:');

-- name: made
UPDATE recado_reference SET conversation_id = :conversation_id, pace_key = :pace_key,
    service_url = :service_url, unmade = false, remade = :remade
WHERE number = :number;

-- name: moved
-- What this one stood for is another reference's conversation.
UPDATE recado_reference SET unmade = false, health = 'gone', health_reason = 'moved'
WHERE number = ?;

-- name: private_chat
-- The chat of this person that an activity has come from, if there is one by now.
SELECT p.number FROM recado_reference AS r
JOIN recado_member AS m ON m.reference = r.number
CROSS JOIN LATERAL (
    SELECT reference FROM recado_member WHERE user_id = m.user_id
    UNION SELECT reference FROM recado_member WHERE aad_object_id = m.aad_object_id
) AS o
CROSS JOIN LATERAL (
    SELECT * FROM recado_reference WHERE number = o.reference OFFSET 0
) AS p
WHERE r.number = ? AND p.bot = r.bot AND p.channel = r.channel AND NOT p.unheard
AND NOT p.is_group AND coalesce(p.conversation_type, 'personal') = 'personal'
ORDER BY p.last_seen DESC, p.number DESC LIMIT 1;

-- name: move_standing
UPDATE recado_delivery SET reference = :there
WHERE reference = :here AND state IN ('pending', 'retrying');

-- name: standing
SELECT min(priority) FROM recado_delivery WHERE reference = ? AND state IN ('pending', 'retrying');

-- name: threads_channel
-- A conversation of a channel of Teams: the channel itself, or else one of its threads.
SELECT id FROM (
    SELECT id, 0 AS rank, last_seen FROM recado_reference
    WHERE bot = :bot AND conversation_id = CAST(:channel AS text)
    UNION ALL
    SELECT id, 1, last_seen FROM recado_reference
    WHERE bot = :bot AND conversation_id > CAST(:channel AS text) || ';messageid='
    AND conversation_id < CAST(:channel AS text) || ';messageid>'
) AS found ORDER BY rank, last_seen DESC LIMIT 1;
