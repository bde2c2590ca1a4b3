-- name: fired
-- What the watches of these deliveries saw, and what is known of their subjects now.
SELECT d.id, f.watch, f.baseline, f.value, f.event, w.rule, w.path, w.subject, s.newest, s.name,
    e.data, e.accepted_at
FROM json_array_elements_text(CAST(? AS json)) AS leaving
JOIN recado_delivery AS d ON d.id = leaving
JOIN recado_firing AS f ON f.notification = d.notification
JOIN recado_watch AS w ON w.number = f.watch
JOIN recado_subject AS s ON s.number = w.subject
JOIN recado_event AS e ON e.number = s.newest
ORDER BY f.watch;

-- name: hold_watch
-- Whoever changes what a watch remembers begins with its row.
SELECT number, subject, state FROM recado_watch WHERE number = ? FOR NO KEY UPDATE;

-- name: hold_subject
-- Nobody takes in events of it until the end.
SELECT number FROM recado_subject WHERE number = ? FOR NO KEY UPDATE;
