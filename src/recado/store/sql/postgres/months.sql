-- History by months: partitions are made ahead, and dropped when nothing in them is wanted.

-- name: may
-- Whether our user may make and drop them. Where not, history is one partition for all times.
SELECT pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(c.relnamespace, 'CREATE')
FROM pg_class AS c WHERE c.oid = to_regclass('recado_history');

-- name: patience
-- Whoever waits to change partitions has all others wait behind them.
SELECT set_config('lock_timeout', '200', true);

-- name: there
SELECT substr(c.relname, length('recado_history_') + 1) AS month
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('recado_history') AND c.relname ~ '^recado_history_\d{4}_\d{2}$'
ORDER BY month;

-- name: make
SELECT recado_make_partitions(
    CAST(:start AS bigint), CAST(:until AS bigint), CAST(:month AS text)
);

-- name: wanted
-- Whether anything in a range of ids is to be kept: it ended lately, it has not ended, or what
-- has not ended needs it (as in retention.sql, for single deliveries). It begins with what is few,
-- whatever the planner believes, and asks of each whether history has anything of it.
WITH needing AS MATERIALIZED (
    SELECT n.number FROM recado_notification AS c
    CROSS JOIN LATERAL (
        SELECT x.number FROM recado_notification AS x WHERE x.number = c.target
        UNION ALL
        SELECT x.number FROM recado_notification AS x WHERE x.target = c.target
    ) AS n
    WHERE c.copies_after IS NOT NULL
    UNION
    SELECT n.number FROM recado_notification AS e
    JOIN recado_notification AS n ON n.bot = e.bot AND n.collapse_key = e.collapse_key
    WHERE e.expand_after IS NOT NULL
)
SELECT EXISTS (
    SELECT 1 FROM recado_delivery WHERE id >= :from_id AND id < :to_id
) OR EXISTS (
    SELECT 1 FROM recado_delivery AS d WHERE d.target >= :from_id AND d.target < :to_id
) OR EXISTS (
    SELECT 1 FROM recado_delivery AS d
    JOIN recado_copy AS k ON k.follows = d.target
    WHERE k.delivery >= :from_id AND k.delivery < :to_id
) OR EXISTS (
    SELECT 1 FROM needing AS n CROSS JOIN LATERAL (
        SELECT 1 FROM recado_history AS h
        WHERE h.notification = n.number AND h.id >= :from_id AND h.id < :to_id LIMIT 1
    ) AS found
) OR EXISTS (
    SELECT 1 FROM recado_history
    WHERE id >= :from_id AND id < :to_id AND settled_at >= CAST(:before AS bigint)
);

-- name: lock
SELECT recado_lock_months();

-- name: drop
SELECT recado_drop_partitions(CAST(:month AS text));
