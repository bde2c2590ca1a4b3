-- Consent: what people have allowed and refused, every word of it, and what holds now.

-- Only added to; ids sort by when a record was written.
CREATE TABLE recado_consent (
    id TEXT COLLATE "C" PRIMARY KEY,
    bot TEXT COLLATE "C" NOT NULL,
    -- whose it is: a person's, by any name they are known by, or a group's, by its pace key
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('person', 'conversation')),
    identity TEXT COLLATE "C" NOT NULL,
    -- the channel whose name that is; '' for what means the same everywhere
    channel TEXT COLLATE "C" NOT NULL,
    -- '' for everything
    category TEXT COLLATE "C" NOT NULL,
    said TEXT COLLATE "C" NOT NULL CHECK (said IN ('in', 'out', 'mute', 'unmute')),
    -- when it was said, until when it holds, and when it was written down
    at BIGINT NOT NULL,
    until BIGINT,
    recorded_at BIGINT NOT NULL,
    how TEXT COLLATE "C" NOT NULL,
    wording TEXT COLLATE "C",
    by_whom TEXT COLLATE "C"
);
CREATE INDEX recado_consent_of ON recado_consent (bot, identity, at);

-- The newest record of each kind: of consent, or of silence for a while.
CREATE TABLE recado_consent_now (
    bot TEXT COLLATE "C" NOT NULL,
    identity TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    about TEXT COLLATE "C" NOT NULL CHECK (about IN ('consent', 'silence')),
    said TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    until BIGINT,
    PRIMARY KEY (bot, identity, kind, channel, category, about)
);
-- Whether there is anything to check at all, for whoever is about to send.
CREATE INDEX recado_consent_refusing ON recado_consent_now (said, until)
    WHERE said IN ('out', 'mute');

-- What people had refused who were erased since: nobody can tell from it who they are, but whoever
-- brings the same name again can tell that it is refused.
CREATE TABLE recado_erased (
    salt TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (salt, hash, category)
);

-- What was said in a conversation, newest last.
CREATE INDEX recado_history_reference ON recado_history (reference, id);
-- Kinds of messages there have been, without reading the messages.
CREATE INDEX recado_notification_category ON recado_notification (bot, category)
    WHERE category IS NOT NULL;
