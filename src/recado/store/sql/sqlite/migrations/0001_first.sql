-- Times are microseconds since 1970 in UTC, JSON is text, booleans are 0 and 1.

-- Numbers that only grow: `entry` orders lanes, `token` fences leases.
CREATE TABLE recado_sequence (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO recado_sequence (name, value) VALUES ('entry', 0), ('token', 0);

CREATE TABLE recado_secret (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recado_reference (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    bot TEXT NOT NULL,
    channel TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    pace_key TEXT NOT NULL,
    service_url TEXT NOT NULL,
    tenant_id TEXT,
    conversation_type TEXT,
    is_group INTEGER NOT NULL,
    name TEXT,
    locale TEXT,
    timezone TEXT,
    agent TEXT,
    -- from, recipient and conversation as they go out, kept ready for the hot path
    address TEXT NOT NULL,
    health TEXT NOT NULL
        CHECK (health IN ('active', 'suspect', 'blocked', 'uninstalled', 'policy', 'gone')),
    health_reason TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    raw TEXT NOT NULL,
    UNIQUE (bot, channel, conversation_id)
) STRICT;
CREATE INDEX recado_reference_conversation ON recado_reference (bot, conversation_id);
-- With the row's number behind it, as in every index: audiences are cut by (bot, number).
CREATE INDEX recado_reference_bot ON recado_reference (bot);

CREATE TABLE recado_member (
    reference INTEGER NOT NULL REFERENCES recado_reference (number) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    name TEXT,
    aad_object_id TEXT,
    email TEXT,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (reference, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_member_user ON recado_member (user_id);
CREATE INDEX recado_member_aad ON recado_member (aad_object_id) WHERE aad_object_id IS NOT NULL;
CREATE INDEX recado_member_email ON recado_member (email) WHERE email IS NOT NULL;

CREATE TABLE recado_notification (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    bot TEXT NOT NULL,
    audience TEXT NOT NULL,
    content TEXT,
    handler TEXT,
    value TEXT,
    value_type TEXT,
    user TEXT,
    priority INTEGER NOT NULL CHECK (priority IN (0, 1, 2)),
    on_unknown TEXT NOT NULL CHECK (on_unknown IN ('retry', 'park')),
    mode TEXT NOT NULL,
    category TEXT,
    collapse_key TEXT,
    accepted_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER,
    entry INTEGER NOT NULL,
    -- A broadcast is expanded from the reference after `expand_after` to `expand_until`.
    expand_after INTEGER,
    expand_until INTEGER,
    -- The turn it was made in and that turn's lane, until the turn has ended.
    after_turn TEXT,
    after_turn_lane INTEGER,
    CHECK ((content IS NULL) <> (handler IS NULL))
) STRICT;
CREATE INDEX recado_notification_expanding ON recado_notification (number)
    WHERE expand_after IS NOT NULL;
CREATE INDEX recado_notification_collapse ON recado_notification (bot, collapse_key)
    WHERE collapse_key IS NOT NULL;

CREATE INDEX recado_notification_turn ON recado_notification (after_turn)
    WHERE after_turn IS NOT NULL;

CREATE TABLE recado_idempotency (
    bot TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    notification INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (bot, scope, key)
) STRICT, WITHOUT ROWID;

-- Live deliveries only; what has ended is in recado_history.
CREATE TABLE recado_delivery (
    id TEXT PRIMARY KEY,
    notification INTEGER NOT NULL,
    reference INTEGER NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('scheduled', 'pending', 'sending', 'retrying', 'held', 'unknown')),
    reason TEXT,
    priority INTEGER NOT NULL,
    -- 0 overtakes within its lane, 1 does not
    rank INTEGER NOT NULL CHECK (rank IN (0, 1)),
    entry INTEGER NOT NULL,
    due_at INTEGER,
    expires_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    attempted_at INTEGER,
    tried_since INTEGER,
    head_since INTEGER,
    last_status INTEGER,
    strikes INTEGER NOT NULL DEFAULT 0,
    maybe_sent INTEGER NOT NULL DEFAULT 0,
    host_switched INTEGER NOT NULL DEFAULT 0,
    -- the turn whose end it waits for
    turn TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_delivery_lane ON recado_delivery (reference, rank, entry, id)
    WHERE state IN ('pending', 'sending', 'retrying');
CREATE INDEX recado_delivery_due ON recado_delivery (due_at)
    WHERE due_at IS NOT NULL AND state IN ('scheduled', 'held');
CREATE INDEX recado_delivery_expiry ON recado_delivery (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX recado_delivery_outside ON recado_delivery (reference, reason)
    WHERE state IN ('scheduled', 'held');
CREATE INDEX recado_delivery_handler ON recado_delivery (entry)
    WHERE state = 'held' AND reason = 'no_handler';
CREATE INDEX recado_delivery_turn ON recado_delivery (turn) WHERE turn IS NOT NULL;
CREATE INDEX recado_delivery_notification ON recado_delivery (notification);

-- One row for each conversation with deliveries in its lane.
CREATE TABLE recado_lane (
    reference INTEGER PRIMARY KEY,
    -- the delivery being sent or retried; it keeps the head
    head TEXT,
    -- that of the most urgent delivery in it
    priority INTEGER NOT NULL,
    -- since when its turn has come or, when the head is to be retried, from when
    ready_at INTEGER NOT NULL,
    owner TEXT,
    token INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER
) STRICT;
-- A free lane is due; one that keeps a head to retry is due at `ready_at`.
CREATE INDEX recado_lane_free ON recado_lane (priority, ready_at)
    WHERE owner IS NULL AND head IS NULL;
CREATE INDEX recado_lane_retry ON recado_lane (priority, ready_at)
    WHERE owner IS NULL AND head IS NOT NULL;
CREATE INDEX recado_lane_ready ON recado_lane (ready_at) WHERE owner IS NULL AND head IS NOT NULL;
CREATE INDEX recado_lane_leased ON recado_lane (lease_until) WHERE owner IS NOT NULL;

CREATE TABLE recado_attempt (
    delivery TEXT NOT NULL,
    number INTEGER NOT NULL,
    owner TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'rejected', 'unknown')),
    reason TEXT,
    status INTEGER,
    code TEXT,
    sub_code TEXT,
    message TEXT,
    activity_id TEXT,
    headers TEXT,
    PRIMARY KEY (delivery, number, started_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE recado_send (
    delivery TEXT NOT NULL,
    number INTEGER NOT NULL,
    activity_id TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE recado_history (
    id TEXT PRIMARY KEY,
    notification INTEGER NOT NULL,
    reference INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('delivered', 'rejected', 'expired', 'cancelled', 'superseded', 'suppressed')
    ),
    reason TEXT,
    -- the state it ended from
    came_from TEXT NOT NULL,
    priority INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    expires_at INTEGER,
    attempts INTEGER NOT NULL,
    settled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_history_notification ON recado_history (notification, state);

-- The transitions of domain/delivery.py, so that no statement can invent another.
CREATE TABLE recado_transition (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
) STRICT, WITHOUT ROWID;
INSERT INTO recado_transition (before, after) VALUES
    ('scheduled', 'pending'), ('scheduled', 'held'), ('scheduled', 'expired'),
    ('scheduled', 'cancelled'), ('scheduled', 'superseded'), ('scheduled', 'suppressed'),
    ('scheduled', 'rejected'),
    ('pending', 'sending'), ('pending', 'held'), ('pending', 'expired'),
    ('pending', 'cancelled'), ('pending', 'superseded'), ('pending', 'suppressed'),
    ('pending', 'rejected'), ('pending', 'delivered'),
    ('sending', 'delivered'), ('sending', 'rejected'), ('sending', 'retrying'),
    ('sending', 'held'), ('sending', 'unknown'), ('sending', 'expired'), ('sending', 'pending'),
    ('retrying', 'sending'), ('retrying', 'held'), ('retrying', 'delivered'),
    ('retrying', 'expired'), ('retrying', 'cancelled'), ('retrying', 'superseded'),
    ('retrying', 'suppressed'), ('retrying', 'rejected'),
    ('held', 'pending'), ('held', 'delivered'), ('held', 'expired'), ('held', 'cancelled'),
    ('held', 'superseded'), ('held', 'suppressed'), ('held', 'rejected'),
    ('pending', 'unknown'), ('retrying', 'unknown'), ('held', 'unknown'),
    ('unknown', 'pending'), ('unknown', 'delivered'), ('unknown', 'cancelled'),
    ('rejected', 'pending');
CREATE TRIGGER recado_delivery_transition BEFORE UPDATE OF state ON recado_delivery
WHEN NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM recado_transition WHERE before = OLD.state AND after = NEW.state
)
BEGIN
    SELECT RAISE(ABORT, 'transition not allowed');
END;
CREATE TRIGGER recado_history_transition BEFORE INSERT ON recado_history
WHEN NOT EXISTS (
    SELECT 1 FROM recado_transition WHERE before = NEW.came_from AND after = NEW.state
)
BEGIN
    SELECT RAISE(ABORT, 'transition not allowed');
END;

CREATE TABLE recado_job_counter (
    bot TEXT NOT NULL,
    tenant TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (bot, tenant)
) STRICT, WITHOUT ROWID;

CREATE TABLE recado_job (
    bot TEXT NOT NULL,
    tenant TEXT NOT NULL,
    number INTEGER NOT NULL,
    reference INTEGER NOT NULL,
    user TEXT,
    title TEXT,
    source TEXT,
    result TEXT,
    started_at INTEGER NOT NULL,
    completed_at INTEGER,
    PRIMARY KEY (bot, tenant, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX recado_job_source ON recado_job (reference, source)
    WHERE source IS NOT NULL;

CREATE TABLE recado_local_conversation (
    id TEXT PRIMARY KEY,
    user TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE recado_local_activity (
    conversation TEXT NOT NULL,
    position INTEGER NOT NULL,
    activity TEXT,
    key TEXT,
    PRIMARY KEY (conversation, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX recado_local_activity_key ON recado_local_activity (conversation, key)
    WHERE key IS NOT NULL;
