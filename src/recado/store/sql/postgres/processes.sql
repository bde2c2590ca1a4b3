-- Processes that deliver. Signs of life are compared by the server's own clock.

-- name: show
INSERT INTO recado_process (owner, seen_at) VALUES (?, now())
ON CONFLICT (owner) DO UPDATE SET seen_at = now();

-- name: gone
DELETE FROM recado_process WHERE owner = ? OR seen_at < now() - INTERVAL '1 hour';

-- name: gone_keepers
DELETE FROM recado_keeper WHERE owner NOT IN (SELECT owner FROM recado_process);

-- name: renew
INSERT INTO recado_process (owner, seen_at, until, session) VALUES (:me, now(), :until, :session)
ON CONFLICT (owner) DO UPDATE SET
    seen_at = now(), until = excluded.until, session = excluded.session;

-- name: let_go
-- Unless it was taken again since.
DELETE FROM recado_keeper AS k
USING json_array_elements(CAST(:scopes AS json)) AS value
WHERE k.bot = value ->> 0 AND k.channel = value ->> 1 AND k.tenant = value ->> 2
AND k.owner = :me AND k.since <= CAST(value ->> 3 AS bigint);

-- name: shares
-- Of all that is kept, and of the processes that keep or could.
SELECT count(*) FILTER (WHERE k.owner = :me) AS mine, count(k.owner) AS kept,
    count(DISTINCT p.owner) AS processes
FROM recado_process AS p LEFT JOIN recado_keeper AS k ON k.owner = p.owner
WHERE p.until > :now;

-- name: alive
SELECT EXISTS (SELECT 1 FROM recado_process WHERE seen_at > now() - INTERVAL '20 seconds');

-- name: announce
INSERT INTO recado_process (owner, seen_at, handlers) VALUES (:owner, now(), :handlers)
ON CONFLICT (owner) DO UPDATE SET seen_at = now(), handlers = excluded.handlers;

-- name: desert
-- Lanes left for handlers that no process alive has any more are due again. The index is entered
-- once for each handler, however many lanes wait for it.
WITH RECURSIVE waited_for (handler) AS (
    SELECT min(handler) FROM recado_lane WHERE owner IS NULL AND waiting = 3
    UNION ALL
    SELECT (
        SELECT min(handler) FROM recado_lane
        WHERE owner IS NULL AND waiting = 3 AND handler > waited_for.handler
    ) FROM waited_for WHERE waited_for.handler IS NOT NULL
)
UPDATE recado_lane SET waiting = 0 WHERE reference = ANY(ARRAY(
    SELECT l.reference FROM waited_for CROSS JOIN LATERAL (
        SELECT x.reference FROM recado_lane AS x
        WHERE x.owner IS NULL AND x.waiting = 3 AND x.handler = waited_for.handler
        LIMIT :most FOR UPDATE SKIP LOCKED
    ) AS l
    WHERE waited_for.handler NOT IN (
        SELECT told.value
        FROM recado_process AS p, json_array_elements_text(CAST(p.handlers AS json)) AS told
        WHERE p.seen_at > now() - INTERVAL '20 seconds'
    )
));
