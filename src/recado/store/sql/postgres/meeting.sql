-- Who comes to be known, and what is decided about them: one after the other.

-- name: together
-- The number is Recado's own and means nothing.
SELECT pg_advisory_xact_lock_shared(7308332237861118541);

-- name: alone
SELECT pg_advisory_xact_lock(7308332237861118541);
