-- Schedules: something to say at times that a rule tells.

CREATE TABLE recado_schedule (
    id TEXT NOT NULL PRIMARY KEY,
    bot TEXT NOT NULL,
    -- the caller's own name for it, and a digest of what was asked for under it
    key TEXT,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'done', 'cancelled')),
    -- why it is paused or cancelled, if that was not asked for
    reason TEXT,
    -- grows with every change
    revision INTEGER NOT NULL,
    -- JSON
    audience TEXT NOT NULL,
    content TEXT,
    options TEXT NOT NULL,
    -- the person it is about in a group
    user_id TEXT,
    expires_after INTEGER,
    asked_at INTEGER,
    unless_spoken INTEGER NOT NULL,
    -- JSON
    rule TEXT NOT NULL,
    zone TEXT NOT NULL,
    starts_at INTEGER,
    until INTEGER,
    jitter INTEGER,
    misfire TEXT NOT NULL,
    late_limit INTEGER,
    title TEXT,
    created_at INTEGER NOT NULL,
    -- everything up to then is done with
    reached INTEGER NOT NULL,
    -- what it waits for: what its rule says, and when that is said
    occurrence INTEGER,
    next_at INTEGER,
    fired INTEGER NOT NULL,
    last_fired_at INTEGER,
    ended_at INTEGER
) STRICT;
-- However many there are, what is due stands first.
CREATE INDEX recado_schedule_due ON recado_schedule (bot, next_at) WHERE state = 'active';
-- A key that was cancelled may be used again.
CREATE UNIQUE INDEX recado_schedule_key ON recado_schedule (bot, key)
    WHERE key IS NOT NULL AND state <> 'cancelled';
CREATE INDEX recado_schedule_state ON recado_schedule (bot, state, id);
CREATE INDEX recado_schedule_ended ON recado_schedule (ended_at) WHERE ended_at IS NOT NULL;

-- The conversations a schedule names, as they were when it was made.
CREATE TABLE recado_schedule_lane (
    reference INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    PRIMARY KEY (reference, schedule)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_schedule_lane_schedule ON recado_schedule_lane (schedule);

-- What became of each occurrence. Nobody can say one twice.
CREATE TABLE recado_occurrence (
    schedule TEXT NOT NULL,
    occurrence INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fired', 'run', 'spoken', 'failed')),
    fired_at INTEGER NOT NULL,
    -- the id of the notification
    notification TEXT,
    detail TEXT,
    PRIMARY KEY (schedule, occurrence, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_occurrence_at ON recado_occurrence (fired_at);
CREATE INDEX recado_occurrence_notification ON recado_occurrence (notification)
    WHERE notification IS NOT NULL;
