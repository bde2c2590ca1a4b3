-- Long answers: what was promised to be said later, and the work that makes it.

CREATE TABLE recado_work (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL,
    reference INTEGER NOT NULL,
    -- What caused it: the same in the same conversation is promised once.
    source TEXT,
    name TEXT NOT NULL,
    -- The process that alone can run it; NULL where any can that has its name.
    home TEXT,
    payload TEXT NOT NULL,
    user TEXT,
    -- What is said if it comes to nothing; NULL for Recado's own sentence.
    fallback TEXT,
    state TEXT NOT NULL CHECK (
        state IN ('promised', 'running', 'done', 'failed', 'expired', 'cancelled', 'apologised')
    ),
    reason TEXT,
    detail TEXT,
    -- Its place among those that wait: conversations take turns.
    place INTEGER NOT NULL,
    -- The turn it was made in, while it has to wait for the end of that.
    turn TEXT,
    -- Who runs it, or keeps it from others before it can begin, and until when.
    owner TEXT,
    token INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Messages it has committed.
    sends INTEGER NOT NULL DEFAULT 0,
    progress REAL,
    progress_text TEXT,
    -- The notification that shows its progress, and the change of that which says the answer in
    -- its place, as long as it is not known to have arrived.
    shown TEXT,
    replacing TEXT,
    promised_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    ended_at INTEGER,
    CHECK ((state IN ('promised', 'running')) = (ended_at IS NULL)),
    CHECK (state <> 'running' OR (owner IS NOT NULL AND turn IS NULL)),
    CHECK ((owner IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX recado_work_source ON recado_work (reference, source)
    WHERE source IS NOT NULL;
CREATE INDEX recado_work_waiting ON recado_work (place, id)
    WHERE state = 'promised' AND turn IS NULL;
CREATE INDEX recado_work_running ON recado_work (place) WHERE state = 'running';
CREATE INDEX recado_work_live ON recado_work (reference, place) WHERE ended_at IS NULL;
CREATE INDEX recado_work_deadline ON recado_work (deadline_at) WHERE ended_at IS NULL;
CREATE INDEX recado_work_lease ON recado_work (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX recado_work_owner ON recado_work (owner) WHERE owner IS NOT NULL;
CREATE INDEX recado_work_replacing ON recado_work (replacing) WHERE replacing IS NOT NULL;
CREATE INDEX recado_work_ended ON recado_work (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX recado_work_listed ON recado_work (bot, id);
