-- Routes, pauses and pace; edits and removals of what was sent; receipts beside the history.

-- What conversations share on their way: a pause of their bot, of their service or of their tenant
-- stops a route, and each route gets its fair share of the requests that can be made at once.
CREATE TABLE recado_route (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bot TEXT NOT NULL,
    channel TEXT NOT NULL,
    -- '' when no activity has told it
    tenant TEXT NOT NULL,
    service_url TEXT NOT NULL,
    UNIQUE (bot, channel, tenant, service_url)
) STRICT;
INSERT INTO recado_route (bot, channel, tenant, service_url)
SELECT DISTINCT bot, channel, coalesce(tenant_id, ''), service_url FROM recado_reference;

ALTER TABLE recado_reference ADD COLUMN route INTEGER;
UPDATE recado_reference SET route = (
    SELECT t.number FROM recado_route AS t
    WHERE t.bot = recado_reference.bot AND t.channel = recado_reference.channel
    AND t.tenant = coalesce(recado_reference.tenant_id, '')
    AND t.service_url = recado_reference.service_url
);

-- The way a lane goes follows from its reference, so the database keeps it.
CREATE TRIGGER recado_reference_made AFTER INSERT ON recado_reference
BEGIN
    INSERT INTO recado_route (bot, channel, tenant, service_url)
    SELECT NEW.bot, NEW.channel, coalesce(NEW.tenant_id, ''), NEW.service_url
    WHERE NOT EXISTS (
        SELECT 1 FROM recado_route WHERE bot = NEW.bot AND channel = NEW.channel
        AND tenant = coalesce(NEW.tenant_id, '') AND service_url = NEW.service_url
    );
    UPDATE recado_reference SET route = (
        SELECT number FROM recado_route WHERE bot = NEW.bot AND channel = NEW.channel
        AND tenant = coalesce(NEW.tenant_id, '') AND service_url = NEW.service_url
    ) WHERE number = NEW.number;
END;
CREATE TRIGGER recado_reference_moved AFTER UPDATE OF service_url, tenant_id ON recado_reference
WHEN NEW.service_url <> OLD.service_url OR NEW.tenant_id IS NOT OLD.tenant_id
BEGIN
    INSERT INTO recado_route (bot, channel, tenant, service_url)
    SELECT NEW.bot, NEW.channel, coalesce(NEW.tenant_id, ''), NEW.service_url
    WHERE NOT EXISTS (
        SELECT 1 FROM recado_route WHERE bot = NEW.bot AND channel = NEW.channel
        AND tenant = coalesce(NEW.tenant_id, '') AND service_url = NEW.service_url
    );
    UPDATE recado_reference SET route = (
        SELECT number FROM recado_route WHERE bot = NEW.bot AND channel = NEW.channel
        AND tenant = coalesce(NEW.tenant_id, '') AND service_url = NEW.service_url
    ) WHERE number = NEW.number;
    UPDATE recado_lane SET route = (
        SELECT route FROM recado_reference WHERE number = NEW.number
    ) WHERE reference = NEW.number;
END;

-- A lane that waits is due at `ready_at`: its head is to be retried, or its channel's pace does
-- not allow it before. All others are due.
ALTER TABLE recado_lane ADD COLUMN route INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recado_lane ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
UPDATE recado_lane SET waiting = head IS NOT NULL AND owner IS NULL,
    route = (SELECT route FROM recado_reference WHERE number = recado_lane.reference);
DROP INDEX recado_lane_free;
DROP INDEX recado_lane_retry;
DROP INDEX recado_lane_ready;
CREATE INDEX recado_lane_due ON recado_lane (priority, route, ready_at)
    WHERE owner IS NULL AND waiting = 0;
CREATE INDEX recado_lane_waiting ON recado_lane (ready_at) WHERE owner IS NULL AND waiting = 1;

-- What stops, until when, and why: set by a person, by a breaker, or by a channel's 429.
CREATE TABLE recado_pause (
    kind TEXT NOT NULL
        CHECK (kind IN ('all', 'bot', 'credential', 'service_url', 'tenant', 'pace_key')),
    bot TEXT NOT NULL,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    -- the service URL or the pace key
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- NULL until somebody resumes
    until INTEGER,
    PRIMARY KEY (kind, bot, channel, tenant, name)
) STRICT, WITHOUT ROWID;

-- Requests a channel has counted: per second, for the windows of a pace key or, with the name '',
-- of a whole tenant.
CREATE TABLE recado_pace (
    bot TEXT NOT NULL,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    operation TEXT NOT NULL,
    second INTEGER NOT NULL,
    many INTEGER NOT NULL,
    PRIMARY KEY (bot, channel, tenant, name, operation, second)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_pace_second ON recado_pace (second);

-- What a notification does: say something, or change or remove what another one said.
ALTER TABLE recado_notification ADD COLUMN action TEXT NOT NULL DEFAULT 'send'
    CHECK (action IN ('send', 'update', 'recall'));
-- The notification whose copies it changes, and as far as which delivery they were found.
ALTER TABLE recado_notification ADD COLUMN target INTEGER;
ALTER TABLE recado_notification ADD COLUMN copies_after TEXT;
-- The delivery it changes.
ALTER TABLE recado_delivery ADD COLUMN target TEXT;

-- Of a delivery that was delivered by its last attempt this is all there is to know, so that
-- attempt has no row of its own.
ALTER TABLE recado_history ADD COLUMN target TEXT;
ALTER TABLE recado_history ADD COLUMN activity_id TEXT;
ALTER TABLE recado_history ADD COLUMN status INTEGER;
ALTER TABLE recado_history ADD COLUMN owner TEXT;
ALTER TABLE recado_history ADD COLUMN begun_at INTEGER;
UPDATE recado_history SET activity_id = (
    SELECT a.activity_id FROM recado_attempt AS a
    WHERE a.delivery = recado_history.id AND a.outcome = 'delivered'
    ORDER BY a.number DESC LIMIT 1
) WHERE state = 'delivered';

-- The transitions are checked after the row was written, which takes SQLite one look-up less; the
-- usual ones are known without one.
DROP TRIGGER recado_delivery_transition;
CREATE TRIGGER recado_delivery_transition AFTER UPDATE OF state ON recado_delivery
WHEN NOT (OLD.state = 'pending' AND NEW.state = 'sending')
AND NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM recado_transition WHERE before = OLD.state AND after = NEW.state
)
BEGIN
    SELECT RAISE(ABORT, 'transition not allowed');
END;
DROP TRIGGER recado_history_transition;
CREATE TRIGGER recado_history_transition AFTER INSERT ON recado_history
WHEN NOT (NEW.came_from = 'sending' AND NEW.state = 'delivered') AND NOT EXISTS (
    SELECT 1 FROM recado_transition WHERE before = NEW.came_from AND after = NEW.state
)
BEGIN
    SELECT RAISE(ABORT, 'transition not allowed');
END;
