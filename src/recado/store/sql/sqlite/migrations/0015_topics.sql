-- Topics, who is subscribed to them, and where people like to be reached.

CREATE TABLE recado_topic (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bot TEXT NOT NULL,
    name TEXT NOT NULL,
    -- what it is about, for people
    title TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (bot, name)
) STRICT;

-- A group subscribes as itself; a private chat stands for its person, wherever they are reached.
CREATE TABLE recado_subscription (
    -- Increases in the order people subscribed; audiences are cut by it.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    topic INTEGER NOT NULL REFERENCES recado_topic (number) ON DELETE CASCADE,
    reference INTEGER NOT NULL REFERENCES recado_reference (number) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    UNIQUE (topic, reference)
) STRICT;
CREATE INDEX recado_subscription_topic ON recado_subscription (topic, number);
CREATE INDEX recado_subscription_reference ON recado_subscription (reference);

-- Of a person's private chats the one they want to be told in.
ALTER TABLE recado_reference ADD COLUMN preferred INTEGER NOT NULL DEFAULT 0;
