-- name: hold
-- Nobody else changes these conversations' deliveries until the transaction ends.
SELECT number FROM recado_reference WHERE number = ANY(CAST(:numbers AS bigint[]))
ORDER BY number FOR NO KEY UPDATE;

-- name: hold_free
-- Those of them that nobody else holds.
SELECT number FROM recado_reference WHERE number = ANY(CAST(:numbers AS bigint[]))
ORDER BY number FOR NO KEY UPDATE SKIP LOCKED;

-- name: handlers
-- Those some process alive has.
SELECT DISTINCT told.value AS handler
FROM recado_process AS p, json_array_elements_text(CAST(p.handlers AS json)) AS told
WHERE p.seen_at > now() - INTERVAL '20 seconds';

-- name: leave
-- Each lane with the handler it is left for. A retrying head stays, and `ready_at` with it.
UPDATE recado_lane SET waiting = 3, handler = left_for.value
FROM json_each_text(CAST(:lanes AS json)) AS left_for
WHERE recado_lane.reference = CAST(left_for.key AS bigint);

-- name: fetch
-- Lanes that were left for these handlers are due again, as many of each as are wanted.
UPDATE recado_lane SET waiting = 0 WHERE reference = ANY(ARRAY(
    SELECT l.reference FROM json_array_elements_text(CAST(:handlers AS json)) AS wanted (handler)
    CROSS JOIN LATERAL (
        SELECT x.reference FROM recado_lane AS x
        WHERE x.owner IS NULL AND x.waiting = 3 AND x.handler = wanted.handler
        ORDER BY x.ready_at LIMIT :most FOR UPDATE SKIP LOCKED
    ) AS l
))
RETURNING reference;

-- name: take
-- Whoever has neither renewed its lease nor holds the lock of its session is dead. The rest are
-- passed over without a lock, because each of them is asked for again and again.
WITH alive AS MATERIALIZED (
    SELECT p.owner FROM recado_process AS p WHERE p.until > :now AND (
        p.session IS NULL OR EXISTS (
            SELECT 1 FROM pg_locks AS l
            WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1919247201
            AND l.objid = CAST(p.session AS oid) AND l.objsubid = 2
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )
    )
),
wanted AS (
    SELECT value ->> 0 AS bot, value ->> 1 AS channel, value ->> 2 AS tenant
    FROM json_array_elements(CAST(:scopes AS json)) AS value
)
INSERT INTO recado_keeper AS k (bot, channel, tenant, owner, since)
SELECT w.bot, w.channel, w.tenant, CAST(:me AS text), CAST(:now AS bigint)
FROM wanted AS w
LEFT JOIN recado_keeper AS h
    ON h.bot = w.bot AND h.channel = w.channel AND h.tenant = w.tenant
WHERE h.owner IS NULL OR h.owner = :me OR h.owner NOT IN (SELECT owner FROM alive)
ORDER BY 1, 2, 3
ON CONFLICT (bot, channel, tenant) DO UPDATE SET owner = excluded.owner, since = excluded.since
WHERE k.owner = excluded.owner OR k.owner NOT IN (SELECT owner FROM alive)
RETURNING bot, channel, tenant;

-- name: time
-- The server's, in microseconds since 1970.
SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint);

-- name: ring
-- Heard when the transaction is committed; see store/postgres/bell.py.
NOTIFY recado;
