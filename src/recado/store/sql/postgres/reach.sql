-- name: everywhere
-- How many conversations a bot can speak in, by where and how they are; out of one index.
SELECT t.channel, t.tenant, c.health, CAST(sum(c.many) AS bigint) AS many FROM (
    SELECT route, health, count(*) AS many FROM recado_reference
    WHERE bot = ? AND NOT unheard GROUP BY route, health
) AS c JOIN recado_route AS t ON t.number = c.route
GROUP BY t.channel, t.tenant, c.health;

-- name: these
SELECT t.channel, t.tenant, r.health, count(*) AS many
FROM json_array_elements_text(CAST(:numbers AS json)) AS wanted (value)
JOIN recado_reference AS r ON r.number = CAST(wanted.value AS bigint)
JOIN recado_route AS t ON t.number = r.route
GROUP BY t.channel, t.tenant, r.health;

-- name: within
-- The conversation whose people are meant, by the id of its reference or its own.
SELECT number FROM (
    SELECT number, 0 AS rank, last_seen FROM recado_reference WHERE id = :name AND bot = :bot
    UNION ALL
    SELECT number, 1, last_seen FROM recado_reference WHERE bot = :bot AND conversation_id = :name
) AS found ORDER BY rank, last_seen DESC LIMIT 1;

-- name: standing
-- Deliveries of a notification that stand in their lanes, by where they go.
SELECT t.channel, t.tenant, CAST(sum(c.many) AS bigint) AS many FROM (
    SELECT l.route, count(*) AS many FROM recado_delivery AS d
    JOIN recado_lane AS l ON l.reference = d.reference
    WHERE d.notification = ? AND d.state IN ('pending', 'sending', 'retrying')
    GROUP BY l.route
) AS c JOIN recado_route AS t ON t.number = c.route
GROUP BY t.channel, t.tenant;

-- name: to_come
-- Those that are not made yet.
SELECT t.channel, t.tenant, CAST(sum(c.many) AS bigint) AS many FROM (
    SELECT r.route, count(*) AS many FROM recado_notification AS n
    JOIN recado_reference AS r
        ON r.bot = n.bot AND r.number > n.expand_after AND r.number <= n.expand_until
    WHERE n.number = ? AND n.expand_after IS NOT NULL
    GROUP BY r.route
) AS c JOIN recado_route AS t ON t.number = c.route
GROUP BY t.channel, t.tenant;

-- name: subscribers_to_come
-- Those of something published to a topic that are not made yet.
SELECT t.channel, t.tenant, CAST(sum(c.many) AS bigint) AS many FROM (
    SELECT r.route, count(*) AS many FROM recado_notification AS n
    JOIN recado_subscription AS s ON s.topic = n.expand_within
        AND s.number > n.expand_after AND s.number <= n.expand_until
    JOIN recado_reference AS r ON r.number = s.reference
    WHERE n.number = ? AND n.expand_after IS NOT NULL
    GROUP BY r.route
) AS c JOIN recado_route AS t ON t.number = c.route
GROUP BY t.channel, t.tenant;
