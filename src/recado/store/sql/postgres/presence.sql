-- name: mark
-- What turns tell of their conversations: each conversation once, with the turns that began or
-- were kept (since when, until when) and those that ended (null). What has outlived its lease is
-- dropped on the way. In one order, so that two who tell of the same wait for each other in turn.
INSERT INTO recado_presence (
    reference, spoke_at, began_at, heard_at, turns, dialog_since
)
SELECT r.number, CAST(told ->> 3 AS bigint), CAST(told ->> 4 AS bigint),
    CAST(told ->> 5 AS bigint), told ->> 6, CAST(told ->> 7 AS bigint)
FROM json_array_elements(CAST(:told AS json)) AS told
JOIN recado_reference AS r ON r.bot = told ->> 0 AND r.channel = told ->> 1
    AND r.conversation_id = told ->> 2
ORDER BY r.number
ON CONFLICT (reference) DO UPDATE SET
    spoke_at = greatest(recado_presence.spoke_at, excluded.spoke_at),
    began_at = greatest(recado_presence.began_at, excluded.began_at),
    heard_at = greatest(recado_presence.heard_at, excluded.heard_at),
    turns = (
        SELECT coalesce(CAST(json_object_agg(turn.key, turn.value) AS text), '{}')
        FROM jsonb_each(
            CAST(recado_presence.turns AS jsonb) || CAST(excluded.turns AS jsonb)
        ) AS turn
        WHERE CAST(turn.value ->> 1 AS bigint) > CAST(:now AS bigint)
    ),
    dialog_since = CASE
        WHEN excluded.dialog_since IS NULL THEN recado_presence.dialog_since
        WHEN excluded.dialog_since > 0 AND recado_presence.dialog_since > 0
            THEN recado_presence.dialog_since
        ELSE excluded.dialog_since
    END
RETURNING reference;

-- name: doings
-- What goes on in these conversations.
SELECT reference, spoke_at, began_at, heard_at, turns, dialog_since, busy_since, busy_until
FROM recado_presence WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: doings_now
-- The same, and so until the transaction ends: who tells of a turn waits that long, and finds what
-- was held by this.
SELECT reference, spoke_at, began_at, heard_at, turns, dialog_since, busy_since, busy_until
FROM recado_presence WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
ORDER BY reference FOR SHARE;

-- name: be_there
-- That nothing is known of these conversations is so until the transaction ends, too.
INSERT INTO recado_presence (reference, spoke_at, began_at, heard_at, turns)
SELECT CAST(value AS bigint), 0, 0, 0, '{}'
FROM json_array_elements_text(CAST(? AS json)) AS value ORDER BY 1
ON CONFLICT (reference) DO NOTHING;

-- name: expecting
-- In which of these conversations something waits for a good moment.
SELECT DISTINCT d.reference FROM json_array_elements(CAST(? AS json)) AS told
JOIN recado_reference AS r ON r.bot = told ->> 0 AND r.channel = told ->> 1
    AND r.conversation_id = told ->> 2
JOIN recado_delivery AS d ON d.reference = r.number
WHERE d.state IN ('scheduled', 'held') AND d.state = 'held' AND d.reason = 'busy'
AND d.turn IS NULL;

-- name: waiting
-- What waits for a good moment in these conversations, in order. What waits for the turn it was made in is not among it.
SELECT d.id, d.reference, d.entry, n.mode, n.quiet, n.max_wait, n.accepted_at, n.due_at, d.due_at AS until
FROM recado_delivery AS d JOIN recado_notification AS n ON n.number = d.notification
WHERE d.reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
))
AND d.state IN ('scheduled', 'held') AND d.state = 'held' AND d.reason = 'busy'
AND d.turn IS NULL
ORDER BY d.entry, d.id;

-- name: be_busy
INSERT INTO recado_presence (
    reference, spoke_at, began_at, heard_at, turns, busy_since, busy_until
)
SELECT number, 0, 0, 0, '{}', CAST(:since AS bigint), CAST(:until AS bigint)
FROM recado_reference
WHERE bot = :bot AND channel = :channel AND conversation_id = :conversation
ON CONFLICT (reference) DO UPDATE SET
    -- Who says it again has been busy all the time.
    busy_since = CASE WHEN recado_presence.busy_until > CAST(:now AS bigint)
        THEN recado_presence.busy_since ELSE excluded.busy_since END,
    busy_until = excluded.busy_until
RETURNING reference;

-- name: let_go
-- Each by its id, with its place in the lane.
UPDATE recado_delivery
SET state = 'pending', reason = NULL, due_at = NULL, head_since = NULL, tried_since = NULL,
    entry = CAST(freed.value AS bigint)
FROM json_each_text(CAST(? AS json)) AS freed WHERE recado_delivery.id = freed.key;

-- name: put_off
-- Each by its id, with when it is looked at again.
UPDATE recado_delivery SET due_at = CAST(later.value AS bigint)
FROM json_each_text(CAST(? AS json)) AS later WHERE recado_delivery.id = later.key;
