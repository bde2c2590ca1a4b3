-- name: rearm
-- What it fired with was never said, so that it is as if it had not fired.
UPDATE recado_watch SET
    state = 'active', ended_at = NULL, baseline = :baseline, armed = :armed,
    fired = fired - 1, fired_at = fired_before, fired_before = NULL, revision = revision + 1
WHERE number = :number AND state IN ('active', 'fired');

-- name: rearm_paused
UPDATE recado_watch SET
    baseline = :baseline, armed = :armed,
    fired = fired - 1, fired_at = fired_before, fired_before = NULL, revision = revision + 1
WHERE number = :number AND state = 'paused';
