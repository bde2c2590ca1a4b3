-- Consent: what people have allowed and refused, every word of it, and what holds now.

-- Only added to; ids sort by when a record was written.
CREATE TABLE recado_consent (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL,
    -- whose it is: a person's, by any name they are known by, or a group's, by its pace key
    kind TEXT NOT NULL CHECK (kind IN ('person', 'conversation')),
    identity TEXT NOT NULL,
    -- the channel whose name that is; '' for what means the same everywhere
    channel TEXT NOT NULL,
    -- '' for everything
    category TEXT NOT NULL,
    said TEXT NOT NULL CHECK (said IN ('in', 'out', 'mute', 'unmute')),
    -- when it was said, until when it holds, and when it was written down
    at INTEGER NOT NULL,
    until INTEGER,
    recorded_at INTEGER NOT NULL,
    how TEXT NOT NULL,
    wording TEXT,
    by_whom TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_consent_of ON recado_consent (bot, identity, at);

-- The newest record of each kind: of consent, or of silence for a while.
CREATE TABLE recado_consent_now (
    bot TEXT NOT NULL,
    identity TEXT NOT NULL,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    category TEXT NOT NULL,
    about TEXT NOT NULL CHECK (about IN ('consent', 'silence')),
    said TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (bot, identity, kind, channel, category, about)
) STRICT, WITHOUT ROWID;
-- Whether there is anything to check at all, for whoever is about to send.
CREATE INDEX recado_consent_refusing ON recado_consent_now (said, until)
    WHERE said IN ('out', 'mute');

-- What people had refused who were erased since: nobody can tell from it who they are, but whoever
-- brings the same name again can tell that it is refused.
CREATE TABLE recado_erased (
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,
    category TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (salt, hash, category)
) STRICT, WITHOUT ROWID;

-- What was said in a conversation, newest last.
CREATE INDEX recado_history_reference ON recado_history (reference, id);
-- Kinds of messages there have been, without reading the messages.
CREATE INDEX recado_notification_category ON recado_notification (bot, category)
    WHERE category IS NOT NULL;
