-- Schedules: something to say at times that a rule tells.

CREATE TABLE recado_schedule (
    id TEXT COLLATE "C" PRIMARY KEY,
    bot TEXT COLLATE "C" NOT NULL,
    -- the caller's own name for it, and a digest of what was asked for under it
    key TEXT COLLATE "C",
    fingerprint TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'paused', 'done', 'cancelled')),
    -- why it is paused or cancelled, if that was not asked for
    reason TEXT COLLATE "C",
    -- grows with every change
    revision BIGINT NOT NULL,
    -- JSON
    audience TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C",
    options TEXT COLLATE "C" NOT NULL,
    -- the person it is about in a group
    user_id TEXT COLLATE "C",
    expires_after BIGINT,
    asked_at BIGINT,
    unless_spoken BOOLEAN NOT NULL,
    -- JSON
    rule TEXT COLLATE "C" NOT NULL,
    zone TEXT COLLATE "C" NOT NULL,
    starts_at BIGINT,
    until BIGINT,
    jitter BIGINT,
    misfire TEXT COLLATE "C" NOT NULL,
    late_limit BIGINT,
    title TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    -- everything up to then is done with
    reached BIGINT NOT NULL,
    -- what it waits for: what its rule says, and when that is said
    occurrence BIGINT,
    next_at BIGINT,
    fired BIGINT NOT NULL,
    last_fired_at BIGINT,
    ended_at BIGINT
);
-- However many there are, what is due stands first.
CREATE INDEX recado_schedule_due ON recado_schedule (bot, next_at) WHERE state = 'active';
-- A key that was cancelled may be used again.
CREATE UNIQUE INDEX recado_schedule_key ON recado_schedule (bot, key)
    WHERE key IS NOT NULL AND state <> 'cancelled';
CREATE INDEX recado_schedule_state ON recado_schedule (bot, state, id);
CREATE INDEX recado_schedule_ended ON recado_schedule (ended_at) WHERE ended_at IS NOT NULL;

-- The conversations a schedule names, as they were when it was made.
CREATE TABLE recado_schedule_lane (
    reference BIGINT NOT NULL,
    schedule TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (reference, schedule)
);
CREATE INDEX recado_schedule_lane_schedule ON recado_schedule_lane (schedule);

-- What became of each occurrence. Nobody can say one twice.
CREATE TABLE recado_occurrence (
    schedule TEXT COLLATE "C" NOT NULL,
    occurrence BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('fired', 'run', 'spoken', 'failed')),
    fired_at BIGINT NOT NULL,
    -- the id of the notification
    notification TEXT COLLATE "C",
    detail TEXT COLLATE "C",
    PRIMARY KEY (schedule, occurrence, kind)
);
CREATE INDEX recado_occurrence_at ON recado_occurrence (fired_at);
CREATE INDEX recado_occurrence_notification ON recado_occurrence (notification)
    WHERE notification IS NOT NULL;
