-- name: mark
-- What turns tell of their conversations: each conversation once, with the turns that began or
-- were kept (since when, until when) and those that ended (null). What has outlived its lease is
-- dropped on the way.
INSERT INTO recado_presence (
    reference, spoke_at, began_at, heard_at, turns, dialog_since
)
SELECT r.number, json_extract(told.value, '$[3]'), json_extract(told.value, '$[4]'),
    json_extract(told.value, '$[5]'), json_extract(told.value, '$[6]'),
    json_extract(told.value, '$[7]')
FROM json_each(:told) AS told
CROSS JOIN recado_reference AS r ON r.bot = json_extract(told.value, '$[0]')
    AND r.channel = json_extract(told.value, '$[1]')
    AND r.conversation_id = json_extract(told.value, '$[2]')
WHERE true
ON CONFLICT (reference) DO UPDATE SET
    spoke_at = max(spoke_at, excluded.spoke_at),
    began_at = max(began_at, excluded.began_at),
    heard_at = max(heard_at, excluded.heard_at),
    turns = (
        SELECT json_group_object(turn.key, json(turn.value))
        FROM json_each(json_patch(recado_presence.turns, excluded.turns)) AS turn
        WHERE json_extract(turn.value, '$[1]') > :now
    ),
    dialog_since = CASE
        WHEN excluded.dialog_since IS NULL THEN dialog_since
        WHEN excluded.dialog_since > 0 AND dialog_since > 0 THEN dialog_since
        ELSE excluded.dialog_since
    END
RETURNING reference;

-- name: doings
-- What goes on in these conversations.
SELECT reference, spoke_at, began_at, heard_at, turns, dialog_since, busy_since, busy_until
FROM recado_presence WHERE reference IN (SELECT value FROM json_each(?));

-- name: doings_now
-- The same, and so until the transaction ends.
SELECT reference, spoke_at, began_at, heard_at, turns, dialog_since, busy_since, busy_until
FROM recado_presence WHERE reference IN (SELECT value FROM json_each(?));

-- name: be_there
-- That nothing is known of these conversations is so until the transaction ends, too.
INSERT INTO recado_presence (reference, spoke_at, began_at, heard_at, turns)
SELECT value, 0, 0, 0, '{}' FROM json_each(?) WHERE true
ON CONFLICT (reference) DO NOTHING;

-- name: expecting
-- In which of these conversations something waits for a good moment.
SELECT DISTINCT d.reference FROM json_each(?) AS told
CROSS JOIN recado_reference AS r ON r.bot = json_extract(told.value, '$[0]')
    AND r.channel = json_extract(told.value, '$[1]')
    AND r.conversation_id = json_extract(told.value, '$[2]')
CROSS JOIN recado_delivery AS d ON d.reference = r.number
WHERE d.state IN ('scheduled', 'held') AND d.state = 'held' AND d.reason = 'busy'
AND d.turn IS NULL;

-- name: waiting
-- What waits for a good moment in these conversations, in order. What waits for the turn it was made in is not among it. Both states are named
-- as in the index, or SQLite would not use it.
SELECT d.id, d.reference, d.entry, n.mode, n.quiet, n.max_wait, n.accepted_at, n.due_at, d.due_at AS until
FROM json_each(?) AS lane
CROSS JOIN recado_delivery AS d ON d.reference = lane.value
JOIN recado_notification AS n ON n.number = d.notification
WHERE d.state IN ('scheduled', 'held') AND d.state = 'held' AND d.reason = 'busy'
AND d.turn IS NULL
ORDER BY d.entry, d.id;

-- name: be_busy
INSERT INTO recado_presence (
    reference, spoke_at, began_at, heard_at, turns, busy_since, busy_until
)
SELECT number, 0, 0, 0, '{}', :since, :until FROM recado_reference
WHERE bot = :bot AND channel = :channel AND conversation_id = :conversation
ON CONFLICT (reference) DO UPDATE SET
    -- Who says it again has been busy all the time.
    busy_since = CASE WHEN busy_until > :now THEN busy_since ELSE excluded.busy_since END,
    busy_until = excluded.busy_until
RETURNING reference;

-- name: let_go
-- Each by its id, with its place in the lane.
UPDATE recado_delivery
SET state = 'pending', reason = NULL, due_at = NULL, head_since = NULL, tried_since = NULL,
    entry = freed.value
FROM json_each(?) AS freed WHERE recado_delivery.id = freed.key;

-- name: put_off
-- Each by its id, with when it is looked at again.
UPDATE recado_delivery SET due_at = later.value
FROM json_each(?) AS later WHERE recado_delivery.id = later.key;
