-- name: begin
-- Each with who wants it, since when, until when, and the activity it answers. In one order, so
-- that two who want the same wait for each other in turn; a conversation is wanted once by each.
INSERT INTO recado_turn (bot, channel, conversation_id, holder, until, activity)
SELECT wanted ->> 0, wanted ->> 1, wanted ->> 2, wanted ->> 3, CAST(wanted ->> 5 AS bigint),
    wanted ->> 6
FROM json_array_elements(CAST(:turns AS json)) AS wanted
ORDER BY 1, 2, 3
ON CONFLICT (bot, channel, conversation_id) DO UPDATE
SET holder = excluded.holder, until = excluded.until, activity = excluded.activity
-- Whoever asks does so the length of a lease before the end of what it would get.
WHERE (recado_turn.until <= excluded.until - CAST(:lease AS bigint) OR recado_turn.holder = excluded.holder)
AND NOT coalesce(excluded.activity = ANY(recado_turn.answered), false)
RETURNING bot, channel, conversation_id;

-- name: repeated
-- Of what could not begin: the activities that are being answered now, or were a short while ago.
SELECT t.bot, t.channel, t.conversation_id, asked ->> 4
FROM json_array_elements(CAST(? AS json)) AS asked
JOIN recado_turn AS t ON t.bot = asked ->> 0 AND t.channel = asked ->> 1
    AND t.conversation_id = asked ->> 2
WHERE (t.activity = asked ->> 4 AND t.until > CAST(asked ->> 3 AS bigint))
OR asked ->> 4 = ANY(t.answered);

-- name: keep
UPDATE recado_turn AS t SET until = :until
FROM json_array_elements(CAST(:turns AS json)) AS kept
WHERE t.bot = kept ->> 0 AND t.channel = kept ->> 1 AND t.conversation_id = kept ->> 2
AND t.holder = :holder;

-- name: end
-- Each with who ends it, when, and the activity that need not be answered again.
UPDATE recado_turn AS t SET until = CAST(ended ->> 4 AS bigint), activity = NULL,
    answered = CASE WHEN ended ->> 5 IS NULL THEN t.answered
        ELSE (ARRAY[ended ->> 5] || t.answered)[1:8] END
FROM json_array_elements(CAST(? AS json)) AS ended
WHERE t.bot = ended ->> 0 AND t.channel = ended ->> 1 AND t.conversation_id = ended ->> 2
AND t.holder = ended ->> 3;

-- name: forget
DELETE FROM recado_turn WHERE until < ?;
