-- name: original
-- The notification a change is about; the original when it is about a change itself.
SELECT coalesce(target, number) FROM recado_notification WHERE id = ? AND bot = ?;

-- name: family
-- The original and all of its changes.
SELECT number FROM recado_notification WHERE number = :root
UNION ALL SELECT number FROM recado_notification WHERE target = :root;

-- name: insert
-- Whatever a change does not say for itself is the original's. Its entry too: what it sends in
-- the place of copies that have not been made yet keeps their place in their lanes. And what is
-- left of the time for which they wait for a good moment.
INSERT INTO recado_notification (
    id, bot, audience, content, handler, value, value_type, user, priority, on_unknown, mode,
    category, collapse_key, accepted_at, due_at, expires_at, entry, after_turn, after_turn_lane,
    once_key, once_every, action, target, copies_after, otherwise, quiet, max_wait, asked_at,
    watch, answer_handler, answer_value, answer_within, answer_mark
)
SELECT :id, bot, audience, :content, NULL, NULL, NULL, user, priority, on_unknown,
    CASE mode WHEN 'as_turn' THEN 'now' ELSE mode END, category, collapse_key, :now,
    max(:now, due_at), expires_at, entry, :after_turn, :after_turn_lane, once_key, once_every,
    :action, number, '', :otherwise, quiet,
    max(0, max_wait - max(0, :now - max(accepted_at, due_at))), asked_at, watch, answer_handler,
    answer_value, answer_within, answer_mark
FROM recado_notification WHERE number = :root
RETURNING number;

-- name: pause_too
-- What is paused stays paused in its new words.
INSERT OR IGNORE INTO recado_pause (
    kind, bot, channel, tenant, name, reason, since, until, by_whom
)
SELECT p.kind, p.bot, p.channel, p.tenant, :id, p.reason, p.since, p.until, p.by_whom
FROM recado_notification AS n CROSS JOIN recado_pause AS p
WHERE (n.number = :root OR n.target = :root) AND p.kind = 'notification' AND p.bot = n.bot
AND p.name = n.id;

-- name: take_over
-- The recipients that the original, or its latest change, has not been expanded to.
UPDATE recado_notification SET expand_after = o.expand_after, expand_until = o.expand_until,
    expand_within = o.expand_within, expand_person = o.expand_person,
    expand_known = o.expand_known,
    expand_within = o.expand_within, expand_person = o.expand_person, expand_known = o.expand_known,
    after_turn = coalesce(recado_notification.after_turn, o.after_turn),
    after_turn_lane = coalesce(recado_notification.after_turn_lane, o.after_turn_lane)
FROM recado_notification AS o
WHERE recado_notification.number = :change AND o.expand_after IS NOT NULL
AND (o.number = :root OR o.target = :root);

-- name: changing
SELECT number, bot, action, target, copies_after, priority, expand_after, after_turn,
    after_turn_lane
FROM recado_notification WHERE copies_after IS NOT NULL ORDER BY number LIMIT 1;

-- name: copies
-- The next copies by id, each exactly once: those of the original that may change or be changed,
-- and those that earlier changes have made. What ended without arriving is left away.
SELECT c.*, r.health, EXISTS (
    SELECT 1 FROM recado_copy AS f WHERE f.follows = c.id
) AS followed
FROM (
    SELECT * FROM (
        SELECT id, reference, state, reason, due_at, maybe_sent FROM recado_delivery
        WHERE notification = :root AND id > :after ORDER BY id LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT id, reference, state, reason, NULL, 0 FROM recado_history
        WHERE notification = :root AND state = 'delivered' AND id > :after
        ORDER BY id LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT k.delivery, coalesce(d.reference, h.reference), coalesce(d.state, h.state),
            d.reason, d.due_at, coalesce(d.maybe_sent, 0)
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
SELECT json_extract(value, '$[0]'), :change, json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]'), :priority, :rank, :entry,
    json_extract(value, '$[4]'), json_extract(value, '$[5]'), json_extract(value, '$[6]')
FROM json_each(:rows);

-- name: insert_in_place
-- In the place of copies that have not left.
INSERT INTO recado_delivery (
    id, notification, reference, state, reason, priority, rank, entry, due_at, expires_at, turn
)
SELECT json_extract(value, '$[0]'), :change, c.reference, json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), c.priority, c.rank, c.entry, json_extract(value, '$[4]'),
    c.expires_at, c.turn
FROM json_each(:rows) CROSS JOIN recado_delivery AS c ON c.id = json_extract(value, '$[1]');

-- name: own
SELECT id FROM recado_delivery WHERE notification = :change
UNION ALL SELECT id FROM recado_history WHERE notification = :change
ORDER BY id LIMIT :most;

-- name: targets
-- What has become of the copies that these deliveries are to change.
SELECT d.id, d.target AS copy, d.reference, d.notification, n.action, n.target AS root, (
        SELECT later.action FROM recado_notification AS later
        WHERE later.target = n.target AND later.number > n.number
        ORDER BY later.number DESC LIMIT 1
    ) AS later,
    coalesce(c.state, h.state) AS state, c.reason, c.due_at, coalesce(c.maybe_sent, 0) AS maybe_sent,
    h.activity_id, (
        SELECT f.activity_id FROM recado_copy AS k JOIN recado_history AS f ON f.id = k.delivery
        WHERE k.follows = d.target ORDER BY k.delivery DESC LIMIT 1
    ) AS follow_up,
    (SELECT count(*) FROM recado_send AS s WHERE s.delivery = d.target) AS sends
FROM json_each(?) AS asked CROSS JOIN recado_delivery AS d ON d.id = asked.value
JOIN recado_notification AS n ON n.number = d.notification
LEFT JOIN recado_delivery AS c ON c.id = d.target
LEFT JOIN recado_history AS h ON h.id = d.target;

-- name: tally
-- What a change has done to copies that were delivered, or may be.
SELECT coalesce(sum(state = 'delivered' AND reason IS NOT 'follow_up'), 0) AS changed,
    coalesce(sum(state = 'delivered' AND reason IS 'follow_up'), 0) AS followed,
    coalesce(sum(state = 'rejected'), 0) AS refused
FROM recado_history WHERE notification = ? AND target IS NOT NULL;

-- name: learn_unable
INSERT INTO recado_unable (channel, action, since) VALUES (?, ?, ?)
ON CONFLICT (channel, action) DO UPDATE SET since = max(since, excluded.since);
