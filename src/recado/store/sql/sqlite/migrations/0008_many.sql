-- Many processes: an older program may go on beside a newer one, and bots keep their state here.
-- Turns wait for each other at a file beside the database.

-- Programs of this version and later work with a database of that one. Databases are changed in
-- two steps for that: first what is new is added, and what is old goes in a later version.
ALTER TABLE recado_schema ADD COLUMN oldest INTEGER;

-- What bots keep between turns, under the keys of the Agents SDK's Storage.
CREATE TABLE recado_state (
    bot TEXT NOT NULL,
    key TEXT NOT NULL,
    -- JSON
    value TEXT NOT NULL,
    -- grows with each write, so that a writer can tell whether another was faster
    revision INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (bot, key)
) STRICT, WITHOUT ROWID;

-- What was accepted in a transaction of somebody else's and has not been taken up.
CREATE INDEX recado_delivery_enqueued ON recado_delivery (entry, id)
    WHERE state = 'scheduled' AND reason = 'enqueued';

-- What retention has to find without reading everything: the changes of a delivery that have not
-- left, and the key that a notification was accepted under.
CREATE INDEX recado_delivery_target ON recado_delivery (target) WHERE target IS NOT NULL;
CREATE INDEX recado_idempotency_notification ON recado_idempotency (notification);

-- An import that has not finished: while there is a row, this is no database to work with.
CREATE TABLE recado_import (
    -- that of the export
    id TEXT PRIMARY KEY,
    began_at INTEGER NOT NULL,
    -- how many of its records are here
    done INTEGER NOT NULL,
    -- whether all of them are here, and are as they were exported
    verified INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- How many of a second's requests were answered in each fifth of it, in twelve bits each, and when
-- the last one was. An older program tells neither.
ALTER TABLE recado_pace ADD COLUMN fifths INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recado_pace ADD COLUMN last_at INTEGER;

-- Leave to make one request, asked of the process that keeps its scope by one that does not.
CREATE TABLE recado_ask (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    -- the pace key
    name TEXT NOT NULL,
    operation TEXT NOT NULL,
    is_group INTEGER NOT NULL,
    asker TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    -- it begins all the same then
    patient_until INTEGER NOT NULL,
    -- by then it has ended, whatever has become of its process
    until INTEGER NOT NULL,
    -- who gave leave
    granted_by TEXT,
    -- how it ended, once it has
    ended INTEGER NOT NULL DEFAULT 0,
    status INTEGER,
    failure TEXT,
    retry_after REAL
) STRICT, WITHOUT ROWID;
