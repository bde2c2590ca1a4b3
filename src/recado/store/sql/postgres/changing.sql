-- name: original
-- The notification a change is about; the original when it is about a change itself. Whoever
-- accepts a change holds the original, so that of two changes one is the newer.
SELECT o.number FROM recado_notification AS o
WHERE o.number = (
    SELECT coalesce(target, number) FROM recado_notification WHERE id = ? AND bot = ?
)
FOR UPDATE;

-- name: family
-- The original and all of its changes. Another process may be making deliveries for one of them:
-- what it is about to commit counts as made.
SELECT number FROM recado_notification WHERE number = :root OR target = :root
ORDER BY number FOR UPDATE;

-- name: insert
-- Whatever a change does not say for itself is the original's. Its entry too: what it sends in
-- the place of copies that have not been made yet keeps their place in their lanes. And what is
-- left of the time for which they wait for a good moment.
INSERT INTO recado_notification (
    id, bot, audience, content, handler, value, value_type, "user", priority, on_unknown, mode,
    category, collapse_key, accepted_at, due_at, expires_at, entry, after_turn, after_turn_lane,
    once_key, once_every, action, target, copies_after, otherwise, quiet, max_wait, asked_at,
    watch, answer_handler, answer_value, answer_within, answer_mark
)
SELECT CAST(:id AS text), bot, audience, CAST(:content AS text), NULL, NULL, NULL, "user",
    priority, on_unknown, CASE mode WHEN 'as_turn' THEN 'now' ELSE mode END, category,
    collapse_key, CAST(:now AS bigint), greatest(CAST(:now AS bigint), due_at), expires_at, entry,
    CAST(:after_turn AS text), CAST(:after_turn_lane AS bigint), once_key, once_every,
    CAST(:action AS text), number, '', CAST(:otherwise AS text), quiet,
    CASE WHEN max_wait IS NOT NULL THEN
        greatest(0, max_wait - greatest(0, CAST(:now AS bigint) - greatest(accepted_at, due_at)))
    END, asked_at, watch, answer_handler, answer_value, answer_within, answer_mark
FROM recado_notification WHERE number = :root
RETURNING number;

-- name: pause_too
-- What is paused stays paused in its new words.
INSERT INTO recado_pause (kind, bot, channel, tenant, name, reason, since, until, by_whom)
SELECT p.kind, p.bot, p.channel, p.tenant, CAST(:id AS text), p.reason, p.since, p.until, p.by_whom
FROM recado_notification AS n JOIN recado_pause AS p ON p.kind = 'notification' AND p.bot = n.bot
    AND p.name = n.id
WHERE n.number = :root OR n.target = :root
ORDER BY n.number
ON CONFLICT DO NOTHING;

-- name: take_over
-- The recipients that the original, or its latest change, has not been expanded to.
UPDATE recado_notification SET expand_after = o.expand_after, expand_until = o.expand_until,
    expand_within = o.expand_within, expand_person = o.expand_person,
    expand_known = o.expand_known,
    after_turn = coalesce(recado_notification.after_turn, o.after_turn),
    after_turn_lane = coalesce(recado_notification.after_turn_lane, o.after_turn_lane)
FROM recado_notification AS o
WHERE recado_notification.number = :change AND o.expand_after IS NOT NULL
AND (o.number = :root OR o.target = :root);

-- name: changing
-- One that another process takes a step of is its.
SELECT number, bot, action, target, copies_after, priority, expand_after, after_turn,
    after_turn_lane
FROM recado_notification AS n WHERE copies_after IS NOT NULL ORDER BY number LIMIT 1
FOR UPDATE OF n SKIP LOCKED;

-- name: copies
-- The next copies by id, each exactly once: those of the original that may change or be changed,
-- and those that earlier changes have made. What ended without arriving is left away.
SELECT c.*, r.health, EXISTS (
    SELECT 1 FROM recado_copy AS f WHERE f.follows = c.id
) AS followed
FROM (
    (
        SELECT id, reference, state, reason, due_at, maybe_sent FROM recado_delivery
        WHERE notification = :root AND id > :after ORDER BY id LIMIT :limit
    )
    UNION ALL
    (
        SELECT id, reference, state, reason, NULL, false FROM recado_history
        WHERE notification = :root AND state = 'delivered' AND id > :after
        ORDER BY id LIMIT :limit
    )
    UNION ALL
    (
        SELECT k.delivery, coalesce(d.reference, h.reference), coalesce(d.state, h.state),
            d.reason, d.due_at, coalesce(d.maybe_sent, false)
        FROM recado_copy AS k
        LEFT JOIN recado_delivery AS d ON d.id = k.delivery
        LEFT JOIN recado_history AS h ON h.id = k.delivery AND h.state = 'delivered'
        WHERE k.root = :root AND k.delivery > :after
        AND coalesce(d.notification, h.notification) < :change
        ORDER BY k.delivery LIMIT :limit
    )
) AS c JOIN recado_reference AS r ON r.number = c.reference
ORDER BY c.id LIMIT :limit;

-- name: insert_deliveries
-- Behind copies, or to change them.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, due_at, turn, target
)
SELECT value ->> 0, CAST(:change AS bigint), CAST(value ->> 1 AS bigint), value ->> 2, value ->> 3,
    CAST(:priority AS int), CAST(:rank AS int), CAST(:entry AS bigint),
    CAST(value ->> 4 AS bigint), value ->> 5, value ->> 6
FROM json_array_elements(CAST(:rows AS json)) AS value;

-- name: insert_in_place
-- In the place of copies that have not left.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, due_at, expires_at, turn
)
SELECT made.value ->> 0, CAST(:change AS bigint), c.reference, made.value ->> 2, made.value ->> 3,
    c.priority, c.rank, c.entry, CAST(made.value ->> 4 AS bigint), c.expires_at, c.turn
FROM json_array_elements(CAST(:rows AS json)) AS made (value) CROSS JOIN LATERAL (
    SELECT * FROM recado_delivery WHERE id = made.value ->> 1 OFFSET 0
) AS c;

-- name: own
-- State by state, because the index of the history has the states before the ids.
SELECT id FROM (
    (SELECT id FROM recado_delivery WHERE notification = :change ORDER BY id LIMIT :most)
    UNION ALL
    SELECT h.id FROM (
        VALUES ('delivered'), ('rejected'), ('expired'), ('cancelled'), ('superseded'),
            ('suppressed')
    ) AS s (state) CROSS JOIN LATERAL (
        SELECT d.id FROM recado_history AS d
        WHERE d.notification = :change AND d.state = s.state ORDER BY d.id LIMIT :most
    ) AS h
) AS d ORDER BY id LIMIT :most;

-- name: targets
-- What has become of the copies that these deliveries are to change.
SELECT d.id, d.target AS copy, d.reference, d.notification, n.action, n.target AS root, (
        SELECT later.action FROM recado_notification AS later
        WHERE later.target = n.target AND later.number > n.number
        ORDER BY later.number DESC LIMIT 1
    ) AS later,
    coalesce(c.state, h.state) AS state, c.reason, c.due_at,
    coalesce(c.maybe_sent, false) AS maybe_sent, h.activity_id, (
        SELECT f.activity_id FROM recado_copy AS k JOIN recado_history AS f ON f.id = k.delivery
        WHERE k.follows = d.target ORDER BY k.delivery DESC LIMIT 1
    ) AS follow_up,
    (SELECT count(*) FROM recado_send AS s WHERE s.delivery = d.target) AS sends
FROM json_array_elements_text(CAST(? AS json)) WITH ORDINALITY AS asked (id, place)
JOIN recado_delivery AS d ON d.id = asked.id
JOIN recado_notification AS n ON n.number = d.notification
LEFT JOIN recado_delivery AS c ON c.id = d.target
LEFT JOIN recado_history AS h ON h.id = d.target
ORDER BY asked.place;

-- name: tally
-- What a change has done to copies that were delivered, or may be.
SELECT count(*) FILTER (
        WHERE state = 'delivered' AND reason IS DISTINCT FROM 'follow_up'
    ) AS changed,
    count(*) FILTER (WHERE state = 'delivered' AND reason = 'follow_up') AS followed,
    count(*) FILTER (WHERE state = 'rejected') AS refused
FROM recado_history WHERE notification = ? AND target IS NOT NULL;

-- name: learn_unable
INSERT INTO recado_unable (channel, action, since) VALUES (?, ?, ?)
ON CONFLICT (channel, action) DO UPDATE SET
    since = greatest(recado_unable.since, excluded.since);
