-- name: create
INSERT INTO recado_topic (bot, name, title, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT (bot, name) DO UPDATE SET title = coalesce(excluded.title, recado_topic.title);

-- name: number
SELECT number FROM recado_topic WHERE bot = ? AND name = ?;

-- name: topic
SELECT t.number, t.name, t.title, t.created_at, (
    SELECT count(*) FROM recado_subscription AS s WHERE s.topic = t.number
) AS subscribed
FROM recado_topic AS t WHERE t.bot = ? AND t.name = ?;

-- name: page
SELECT t.number, t.name, t.title, t.created_at, (
    SELECT count(*) FROM recado_subscription AS s WHERE s.topic = t.number
) AS subscribed
FROM recado_topic AS t WHERE t.bot = ? AND t.name > ? ORDER BY t.name LIMIT ?;

-- name: remove
DELETE FROM recado_topic WHERE bot = ? AND name = ?;

-- name: subscribe
INSERT INTO recado_subscription (topic, reference, since) VALUES (?, ?, ?)
ON CONFLICT (topic, reference) DO NOTHING;

-- name: unsubscribe
DELETE FROM recado_subscription WHERE topic = ? AND reference = ?;

-- name: subscribers
SELECT s.number, s.since, r.id FROM recado_subscription AS s
JOIN recado_reference AS r ON r.number = s.reference
WHERE s.topic = ? AND s.number > ? ORDER BY s.number LIMIT ?;

-- name: topics_of
SELECT t.number, t.name, t.title, t.created_at, min(s.since) AS since
FROM recado_subscription AS s JOIN recado_topic AS t ON t.number = s.topic
WHERE s.reference = ? GROUP BY t.number, t.name, t.title, t.created_at ORDER BY t.name;

-- name: last
SELECT coalesce(max(number), 0) FROM recado_subscription WHERE topic = ?;

-- name: begin
UPDATE recado_notification SET expand_within = ?, expand_after = ?, expand_until = ?
WHERE number = ?;

-- name: walk
SELECT s.number, s.reference, r.health,
    NOT r.is_group AND coalesce(r.conversation_type, 'personal') = 'personal' AS private
FROM recado_subscription AS s JOIN recado_reference AS r ON r.number = s.reference
WHERE s.topic = :within AND s.number > :after AND s.number <= :until
ORDER BY s.number LIMIT :limit;

-- name: prefer
UPDATE recado_reference SET preferred = (number = :here) WHERE number = :number;
