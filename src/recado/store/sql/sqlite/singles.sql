-- name: insert
-- Each by its id; what they have in common is given once.
INSERT INTO recado_notification (
    id, bot, audience, content, user, priority, on_unknown, mode, category, accepted_at, due_at,
    expires_at, entry, asked_at
)
SELECT key, :bot, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), :priority, :on_unknown, :mode, :category,
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]')
FROM json_each(:notifications);

-- name: healths
SELECT json_group_array(json_array(number, health)) FROM recado_reference
WHERE number IN (SELECT value FROM json_each(?));

-- name: insert_deliveries
-- Each by its id, with its notification's.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, expires_at
)
SELECT made.key, n.number, json_extract(made.value, '$[1]'), json_extract(made.value, '$[2]'),
    json_extract(made.value, '$[3]'), n.priority, n.priority > 0, n.entry, n.expires_at
FROM json_each(?) AS made
CROSS JOIN recado_notification AS n ON n.id = json_extract(made.value, '$[0]');
