-- name: sayings
-- What these watches say, to whom and how.
SELECT number, id, rule, reference, person, audience, content, handler, value, value_type, "user",
    priority, on_unknown, mode, category, quiet, max_wait, asked_at
FROM recado_watch WHERE number = ANY(ARRAY(
    SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(? AS json)) AS value
)) ORDER BY number;

-- name: insert
-- Notifications, each by its id; what they have in common is given once. As jsonb, because what
-- they say may be long and json would be read from its beginning for each of its parts.
INSERT INTO recado_notification (
    id, bot, audience, content, value, "user", asked_at, watch, entry, handler, value_type,
    priority, on_unknown, mode, category, quiet, max_wait, accepted_at, due_at
)
SELECT made.key, CAST(:bot AS text), made.value ->> 0, made.value ->> 1, made.value ->> 2,
    made.value ->> 3, CAST(made.value ->> 4 AS bigint), CAST(made.value ->> 5 AS bigint),
    CAST(made.value ->> 6 AS bigint), CAST(:handler AS text), CAST(:value_type AS text),
    CAST(:priority AS int), CAST(:on_unknown AS text), CAST(:mode AS text),
    CAST(:category AS text), CAST(:quiet AS bigint), CAST(:max_wait AS bigint),
    CAST(:now AS bigint), CAST(:now AS bigint)
FROM jsonb_each(CAST(:notifications AS jsonb)) AS made
RETURNING id, number;

-- name: insert_deliveries
-- One for each notification, by its own id.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, due_at, priority, rank, entry
)
SELECT made.key, CAST(made.value ->> 0 AS bigint), CAST(made.value ->> 1 AS bigint),
    made.value ->> 2, made.value ->> 3, CAST(made.value ->> 4 AS bigint),
    CAST(made.value ->> 5 AS int), CAST(CAST(made.value ->> 5 AS int) > 0 AS int),
    CAST(made.value ->> 6 AS bigint)
FROM json_each(CAST(? AS json)) AS made;

-- name: insert_firings
-- What the watches saw, each by the number of the notification it made.
INSERT INTO recado_firing (notification, watch, event, baseline, value)
SELECT CAST(made.key AS bigint), CAST(made.value ->> 0 AS bigint), CAST(:event AS bigint),
    made.value ->> 1, made.value ->> 2
FROM json_each(CAST(:firings AS json)) AS made;
