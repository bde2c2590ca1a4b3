-- name: insert
-- Each by its id; what they have in common is given once. As jsonb, because what they say may be
-- long and json would be read from its beginning for each of its parts.
INSERT INTO recado_notification (
    id, bot, audience, content, "user", priority, on_unknown, mode, category, accepted_at, due_at,
    expires_at, entry, asked_at
)
SELECT made.key, CAST(:bot AS text), made.value ->> 0, made.value ->> 1, made.value ->> 2,
    CAST(:priority AS int), CAST(:on_unknown AS text), CAST(:mode AS text),
    CAST(:category AS text), CAST(made.value ->> 3 AS bigint), CAST(made.value ->> 4 AS bigint),
    CAST(made.value ->> 5 AS bigint), CAST(made.value ->> 6 AS bigint),
    CAST(made.value ->> 7 AS bigint)
FROM jsonb_each(CAST(:notifications AS jsonb)) AS made;

-- name: healths
SELECT CAST(coalesce(json_agg(json_build_array(number, health)), '[]') AS text)
FROM recado_reference
WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
));

-- name: insert_deliveries
-- Each by its id, with its notification's.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, expires_at
)
SELECT made.key, n.number, CAST(made.value ->> 1 AS bigint), made.value ->> 2, made.value ->> 3,
    n.priority, CAST(n.priority > 0 AS int), n.entry, n.expires_at
FROM json_each(CAST(? AS json)) AS made
CROSS JOIN LATERAL (
    SELECT number, priority, entry, expires_at FROM recado_notification
    WHERE id = made.value ->> 0 OFFSET 0
) AS n;
