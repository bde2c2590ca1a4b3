-- Politeness: when a notification may leave, and what it is about.

-- How long its conversation has to have been quiet, and how long it waits for that at most.
ALTER TABLE recado_notification ADD COLUMN quiet INTEGER;
ALTER TABLE recado_notification ADD COLUMN max_wait INTEGER;
-- Since when its recipient has asked for it.
ALTER TABLE recado_notification ADD COLUMN asked_at INTEGER;
-- The watch it tells of: it is said only while that is true.
ALTER TABLE recado_notification ADD COLUMN watch INTEGER;
-- Who is to hear an answer to what it asks, with what, and for how long after it was delivered.
ALTER TABLE recado_notification ADD COLUMN answer_handler TEXT;
ALTER TABLE recado_notification ADD COLUMN answer_value TEXT;
ALTER TABLE recado_notification ADD COLUMN answer_within INTEGER;
-- What the buttons of its cards send along, so that it is known what they answer.
ALTER TABLE recado_notification ADD COLUMN answer_mark TEXT;

-- What is going on in a conversation. Times are 0 when there was none.
CREATE TABLE recado_presence (
    reference INTEGER PRIMARY KEY REFERENCES recado_reference (number),
    -- when a person wrote there last
    spoke_at INTEGER NOT NULL,
    -- when a person's latest turn began
    began_at INTEGER NOT NULL,
    -- when the latest turn began in which the bot was given what a person wrote
    heard_at INTEGER NOT NULL,
    -- JSON: the turns that run, each with when it began and until when it runs at the latest
    turns TEXT NOT NULL,
    -- since when a dialog waits for an answer; 0 if none does, null if nobody has looked yet
    dialog_since INTEGER,
    -- since when, and until when, the bot says that it is busy
    busy_since INTEGER NOT NULL DEFAULT 0,
    busy_until INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What was asked and may be answered.
CREATE TABLE recado_question (
    delivery TEXT PRIMARY KEY,
    reference INTEGER NOT NULL REFERENCES recado_reference (number),
    -- the id of its notification
    notification TEXT NOT NULL,
    activity_id TEXT,
    handler TEXT NOT NULL,
    value TEXT,
    mark TEXT,
    -- the id of the person it is for, if it is for one
    user_id TEXT,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answered_at INTEGER,
    -- the id of the activity that answered it
    answered_by TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX recado_question_asked ON recado_question (reference, asked_at);
CREATE INDEX recado_question_expires ON recado_question (expires_at);
