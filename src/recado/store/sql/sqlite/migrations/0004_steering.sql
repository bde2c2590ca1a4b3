-- Steering: who decided what, what was said once for a key, and listings that stay quick.

-- The person who cancelled a delivery or marked it as delivered, if known.
ALTER TABLE recado_history ADD COLUMN decided_by TEXT;
-- Cancelled while it was being sent: it is not tried again.
ALTER TABLE recado_delivery ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;

-- When a notification was cancelled, and after which reference if its expansion ended there.
ALTER TABLE recado_notification ADD COLUMN cancelled_at INTEGER;
ALTER TABLE recado_notification ADD COLUMN cancelled_after INTEGER;

-- Once per key and period in each conversation.
ALTER TABLE recado_notification ADD COLUMN once_key TEXT;
ALTER TABLE recado_notification ADD COLUMN once_every INTEGER;
CREATE TABLE recado_once (
    bot TEXT NOT NULL,
    key TEXT NOT NULL,
    reference INTEGER NOT NULL,
    -- when what was last said for the key was accepted, and when its period ends
    accepted_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (bot, key, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_once_until ON recado_once (until);

-- People pause conversations and notifications as well, and it is known who did.
ALTER TABLE recado_pause RENAME TO recado_pause_before;
CREATE TABLE recado_pause (
    kind TEXT NOT NULL CHECK (kind IN (
        'all', 'bot', 'conversation', 'notification',
        'credential', 'service_url', 'tenant', 'pace_key'
    )),
    bot TEXT NOT NULL,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    -- the id of the reference or notification, the service URL, or the pace key
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- NULL until somebody resumes
    until INTEGER,
    -- who paused it, if known
    by_whom TEXT,
    PRIMARY KEY (kind, bot, channel, tenant, name)
) STRICT, WITHOUT ROWID;
INSERT INTO recado_pause (kind, bot, channel, tenant, name, reason, since, until)
SELECT kind, bot, channel, tenant, name, reason, since, until FROM recado_pause_before;
DROP TABLE recado_pause_before;

-- A lane with `waiting` 2 is put aside: its conversation is paused. What is held because its
-- notification is paused is found here when that is resumed.
CREATE INDEX recado_delivery_paused ON recado_delivery (notification, entry)
    WHERE state = 'held' AND reason = 'paused';

-- Dead letters.
CREATE INDEX recado_history_rejected ON recado_history (id) WHERE state = 'rejected';
CREATE INDEX recado_delivery_unknown ON recado_delivery (id) WHERE state = 'unknown';
