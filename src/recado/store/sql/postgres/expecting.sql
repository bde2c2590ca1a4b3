-- What waits for people no conversation is known with.

-- name: expected
-- Those of these at which somebody is expected.
SELECT number, bot, conversation_id FROM recado_reference
WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
)) AND channel = '' AND health_reason = 'expected';

-- name: hold
-- Say of what is held where somebody is expected that this is why.
UPDATE recado_delivery SET reason = 'no_reference'
WHERE reference = ? AND state = 'held' AND reason = 'unreachable';

-- name: expect
UPDATE recado_reference SET unheard = true, unmade = true, health = ?, health_reason = ?
WHERE number = ?;

-- name: waiting_for
SELECT number FROM recado_reference
WHERE bot = ? AND channel = '' AND conversation_id = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
)) ORDER BY number;

-- name: best
-- The private chat that is to be spoken in, if one is known: as for those who are named.
SELECT number FROM recado_reference
WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
)) AND NOT unheard
ORDER BY channel <> ALL(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
)), health NOT IN ('active', 'suspect'), last_seen DESC LIMIT 1;

-- name: move
UPDATE recado_delivery SET reference = :there,
    reason = CASE WHEN reason = 'no_reference' THEN 'unreachable' ELSE reason END
WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:here AS json)) AS value
)) AND state IN ('scheduled', 'held');

-- name: resubscribe
-- What they subscribed to. With their numbers, so that what is being published comes to them; in
-- whichever chat somebody subscribed, it is once.
UPDATE recado_subscription SET reference = :there
WHERE number = ANY(ARRAY(
    SELECT min(number) FROM recado_subscription
    WHERE reference = ANY(ARRAY(
        SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:here AS json)) AS value
    ))
    GROUP BY topic
)) AND NOT EXISTS (
    SELECT 1 FROM recado_subscription AS s
    WHERE s.topic = recado_subscription.topic AND s.reference = :there
);

-- name: unsubscribe
DELETE FROM recado_subscription WHERE reference = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));
