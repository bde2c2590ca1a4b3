-- name: sayings
-- What these watches say, to whom and how.
SELECT number, id, rule, reference, person, audience, content, handler, value, value_type, user,
    priority, on_unknown, mode, category, quiet, max_wait, asked_at
FROM recado_watch WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number;

-- name: insert
-- Notifications, each by its id; what they have in common is given once.
INSERT INTO recado_notification (
    id, bot, audience, content, value, user, asked_at, watch, entry, handler, value_type,
    priority, on_unknown, mode, category, quiet, max_wait, accepted_at, due_at
)
SELECT key, :bot, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),
    json_extract(value, '$[5]'), json_extract(value, '$[6]'), :handler, :value_type, :priority,
    :on_unknown, :mode, :category, :quiet, :max_wait, :now, :now
FROM json_each(:notifications) WHERE true
RETURNING id, number;

-- name: insert_deliveries
-- One for each notification, by its own id.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, due_at, priority, rank, entry
)
SELECT key, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),
    json_extract(value, '$[5]'), json_extract(value, '$[5]') > 0, json_extract(value, '$[6]')
FROM json_each(?);

-- name: insert_firings
-- What the watches saw, each by the number of the notification it made.
INSERT INTO recado_firing (notification, watch, event, baseline, value)
SELECT CAST(key AS INTEGER), json_extract(value, '$[0]'), :event, json_extract(value, '$[1]'),
    json_extract(value, '$[2]')
FROM json_each(:firings);
