-- name: said
-- Where something was accepted for the key less than a period before, or since: what was accepted
-- later may have got there earlier, because a broadcast takes its time.
SELECT reference FROM recado_once
WHERE bot = :bot AND key = :key AND accepted_at > :since
AND reference IN (SELECT value FROM json_each(:lanes));

-- name: note
INSERT INTO recado_once (bot, key, reference, accepted_at, until)
SELECT :bot, :key, value, :at, :until FROM json_each(:lanes) WHERE true
ON CONFLICT (bot, key, reference) DO UPDATE SET
    accepted_at = excluded.accepted_at, until = max(until, excluded.until);

-- name: count
SELECT count(*) FROM recado_once WHERE bot = :bot AND key = :key AND accepted_at > :since
AND (:lanes IS NULL OR reference IN (SELECT value FROM json_each(:lanes)));

-- name: forget
DELETE FROM recado_once WHERE (bot, key, reference) IN (
    SELECT bot, key, reference FROM recado_once WHERE until <= :now ORDER BY until LIMIT :limit
);
