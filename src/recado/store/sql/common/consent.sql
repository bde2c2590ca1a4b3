-- name: insert
INSERT INTO recado_consent (
    id, bot, kind, identity, channel, category, said, at, until, recorded_at, how, wording, by_whom
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: stand
-- The newest record of its kind holds, in whichever order they are written down.
INSERT INTO recado_consent_now (
    bot, identity, kind, channel, category, about, said, at, until
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (bot, identity, kind, channel, category, about) DO UPDATE SET
    said = excluded.said, at = excluded.at, until = excluded.until
WHERE excluded.at >= recado_consent_now.at;

-- name: refused
-- Whether anybody refuses anything now: else there is nothing to check.
SELECT EXISTS (
    SELECT 1 FROM recado_consent_now WHERE said IN ('out', 'mute') AND said = 'out'
) OR EXISTS (
    SELECT 1 FROM recado_consent_now
    WHERE said IN ('out', 'mute') AND said = 'mute' AND until > ?
);

-- name: any
-- Whether anybody has said anything to a bot.
SELECT EXISTS (SELECT 1 FROM recado_consent_now WHERE bot = ?);

-- name: known
-- Whether it was recorded before.
SELECT EXISTS (
    SELECT 1 FROM recado_consent WHERE bot = ? AND identity = ? AND at = ?
    AND kind = ? AND channel = ? AND category = ? AND said = ?
);

-- name: channels_of
-- Where somebody is known by this name.
SELECT DISTINCT r.channel FROM recado_member AS m
JOIN recado_reference AS r ON r.number = m.reference
WHERE m.user_id = ? AND r.bot = ?;

-- name: categories
-- Each with a look into the index, however many messages there are of it.
WITH RECURSIVE found (name) AS (
    SELECT min(category) FROM recado_notification WHERE bot = :bot AND category IS NOT NULL
    UNION ALL
    SELECT (
        SELECT min(n.category) FROM recado_notification AS n
        WHERE n.bot = :bot AND n.category IS NOT NULL AND n.category > f.name
    ) FROM found AS f WHERE f.name IS NOT NULL
)
SELECT f.name FROM found AS f WHERE f.name IS NOT NULL;

-- name: last_delivered
-- What was said last in a conversation.
SELECT h.id, h.settled_at, n.id AS notification_id, n.category, n.audience, n.handler, n.content,
    n.asked_at
FROM recado_history AS h JOIN recado_notification AS n ON n.number = h.notification
WHERE h.reference = ? AND h.state = 'delivered' AND h.target IS NULL
ORDER BY h.id DESC LIMIT 1;

-- name: salts
SELECT min(salt) FROM recado_erased WHERE salt > ?;

-- name: erased
SELECT category, at FROM recado_erased WHERE salt = ? AND hash = ?;

-- name: keep_erased
INSERT INTO recado_erased (salt, hash, category, at) VALUES (?, ?, ?, ?)
ON CONFLICT (salt, hash, category) DO UPDATE SET at = excluded.at
WHERE excluded.at > recado_erased.at;
