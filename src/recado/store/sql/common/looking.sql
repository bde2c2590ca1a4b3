-- name: notification
SELECT * FROM recado_notification WHERE id = ?;

-- name: not_made
-- How many recipients of a broadcast had no delivery when it was cancelled.
SELECT count(*) FROM recado_reference WHERE bot = ? AND number > ? AND number <= ?;

-- name: subscribers_not_made
SELECT count(*) FROM recado_subscription WHERE topic = ? AND number > ? AND number <= ?;

-- name: counts
SELECT state, count(*) AS many FROM recado_delivery WHERE notification = :number GROUP BY state
UNION ALL
SELECT state, count(*) FROM recado_history WHERE notification = :number GROUP BY state;

-- name: unsettled
-- Whether a notification has a delivery of which more will be heard: the first one tells.
SELECT EXISTS (
    SELECT 1 FROM recado_delivery WHERE notification = ? AND state <> 'unknown'
);

-- name: attempts
-- By number: clocks may go backwards, numbers do not.
SELECT * FROM recado_attempt WHERE delivery = ? ORDER BY number, started_at;

-- name: backlog
SELECT state, count(*) AS many FROM recado_delivery GROUP BY state;

-- name: oldest
SELECT min(n.due_at) FROM recado_delivery AS d
JOIN recado_notification AS n ON n.number = d.notification
WHERE d.state IN ('pending', 'retrying');

-- name: totals
SELECT (SELECT count(*) FROM recado_reference) AS reference_count,
    (SELECT count(*) FROM recado_notification WHERE expand_after IS NOT NULL) AS expanding;

-- name: leaving
-- A delivery that waits, as the checks of politeness are told of it.
SELECT d.id, d.reference, d.priority, r.is_group, d.maybe_sent, n.bot, n.mode, n.quiet, n.max_wait,
    n.category, n.accepted_at, n.due_at, n.asked_at, n.watch, n."user"
FROM recado_delivery AS d
JOIN recado_reference AS r ON r.number = d.reference
JOIN recado_notification AS n ON n.number = d.notification
WHERE d.id = ? AND n.action = 'send' AND d.state NOT IN ('sending', 'unknown');
