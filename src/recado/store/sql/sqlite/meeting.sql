-- Who comes to be known, and what is decided about them: one after the other.

-- name: together
-- SQLite has one writer at a time.
SELECT 1;

-- name: alone
SELECT 1, 1;
