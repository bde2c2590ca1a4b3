-- Events that happened outside, and watches over them.

-- What events are about. Whoever takes in an event of it or makes a watch over it holds its row,
-- so that each watch either is looked at with an event or knows it.
CREATE TABLE recado_subject (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bot TEXT NOT NULL,
    name TEXT NOT NULL,
    -- of its name, which may be long
    digest TEXT NOT NULL,
    -- the event that tells how things stand, and when it happened
    newest INTEGER,
    newest_at INTEGER,
    -- how many watches are active
    watching INTEGER NOT NULL DEFAULT 0,
    UNIQUE (bot, digest)
) STRICT;

CREATE TABLE recado_event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bot TEXT NOT NULL,
    -- of source and id, so that one that comes again is known
    digest TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    subject INTEGER NOT NULL,
    -- JSON; numbers have the digits they came with
    data TEXT NOT NULL,
    -- as its producer tells it
    happened_at INTEGER,
    accepted_at INTEGER NOT NULL,
    -- the event of its subject that was newest before; none if it is itself older than that
    previous INTEGER,
    -- While watches look at it: the last one that has, and the last one that is to.
    watched_to INTEGER,
    watch_until INTEGER,
    UNIQUE (bot, digest)
) STRICT;
CREATE INDEX recado_event_pending ON recado_event (number) WHERE watched_to IS NOT NULL;
CREATE INDEX recado_event_in_order ON recado_event (subject, number) WHERE watched_to IS NOT NULL;

CREATE TABLE recado_watch (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    bot TEXT NOT NULL,
    subject INTEGER NOT NULL,
    -- the conversation it was made for, and its number among the watches of that
    reference INTEGER NOT NULL,
    place INTEGER NOT NULL,
    -- the person it is for, where it is for one, wherever they are then
    person TEXT,
    rule TEXT NOT NULL,
    path TEXT,
    -- What it says, to whom and how; as the columns of a notification of these names.
    audience TEXT NOT NULL,
    content TEXT,
    handler TEXT,
    value TEXT,
    value_type TEXT,
    user TEXT,
    priority INTEGER NOT NULL,
    on_unknown TEXT NOT NULL,
    mode TEXT NOT NULL,
    category TEXT,
    quiet INTEGER,
    max_wait INTEGER,
    asked_at INTEGER,
    cooldown INTEGER,
    repeats INTEGER NOT NULL,
    key TEXT,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    state TEXT NOT NULL
        CHECK (state IN ('active', 'paused', 'fired', 'cancelled', 'expired')),
    ended_at INTEGER,
    -- What it remembers between two events, see domain/watch/rules.py.
    baseline TEXT,
    armed INTEGER NOT NULL,
    -- How often it has spoken, when it did last, and when before that.
    fired INTEGER NOT NULL DEFAULT 0,
    fired_at INTEGER,
    fired_before INTEGER,
    -- Why it could not look at the last event.
    trouble TEXT,
    -- grows with each change, so that whoever decides by what it was can tell
    revision INTEGER NOT NULL DEFAULT 0,
    CHECK ((content IS NULL) <> (handler IS NULL)),
    UNIQUE (reference, place)
) STRICT;
CREATE UNIQUE INDEX recado_watch_key ON recado_watch (bot, key) WHERE key IS NOT NULL;
CREATE INDEX recado_watch_active ON recado_watch (subject, number) WHERE state = 'active';
CREATE INDEX recado_watch_subject ON recado_watch (subject, number);
CREATE INDEX recado_watch_person ON recado_watch (person, number) WHERE person IS NOT NULL;
CREATE INDEX recado_watch_expiry ON recado_watch (expires_at)
    WHERE expires_at IS NOT NULL AND state IN ('active', 'paused');
CREATE INDEX recado_watch_ended ON recado_watch (ended_at) WHERE ended_at IS NOT NULL;

-- Whoever deletes a watch that is active need not know that it was counted.
CREATE TRIGGER recado_watch_gone AFTER DELETE ON recado_watch WHEN OLD.state = 'active'
BEGIN
    UPDATE recado_subject SET watching = watching - 1 WHERE number = OLD.subject;
END;

-- What a watch saw when it spoke, by the notification it made: it leaves only while that is true.
CREATE TABLE recado_firing (
    notification INTEGER PRIMARY KEY,
    watch INTEGER NOT NULL,
    event INTEGER NOT NULL,
    -- what the value was compared with
    baseline TEXT,
    value TEXT NOT NULL
) STRICT;
CREATE INDEX recado_firing_watch ON recado_firing (watch, notification);
