-- name: put
INSERT INTO recado_recipient (bot, name, zone, quiet, windows, changed_at)
VALUES (:bot, :name, :zone, :quiet, :windows, :now)
ON CONFLICT (bot, name) DO UPDATE SET
    zone = excluded.zone, quiet = excluded.quiet, windows = excluded.windows,
    changed_at = excluded.changed_at;

-- name: drop
DELETE FROM recado_recipient WHERE bot = ? AND name = ?;
