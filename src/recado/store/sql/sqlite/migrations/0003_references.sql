-- References that heal: newer service URLs offered within a tenant, and an audit of what became
-- of references.

-- Since when a reference has its health.
ALTER TABLE recado_reference ADD COLUMN health_since INTEGER;
-- The service URL it had before an offered one was tried, until one of the two has proved right.
ALTER TABLE recado_reference ADD COLUMN former_url TEXT;

-- Conversations that are not well are few; only they are looked for.
CREATE INDEX recado_reference_ailing ON recado_reference (bot, channel, tenant_id, health)
    WHERE health <> 'active';
CREATE INDEX recado_reference_unwell ON recado_reference (number) WHERE health <> 'active';

-- The newest service URL seen in a tenant of a channel. References are not rewritten when it
-- changes, which may be a million: each is switched when it cannot be reached where it was.
CREATE TABLE recado_offer (
    bot TEXT NOT NULL,
    channel TEXT NOT NULL,
    tenant TEXT NOT NULL,
    service_url TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    -- Conversations that are gone are tried again there; the reference that has been come to.
    tried_to INTEGER,
    PRIMARY KEY (bot, channel, tenant)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_offer_untried ON recado_offer (seen_at) WHERE tried_to IS NOT NULL;
-- Of a group SQLite takes the row that has its maximum.
INSERT INTO recado_offer (bot, channel, tenant, service_url, seen_at)
SELECT bot, channel, tenant_id, service_url, max(last_seen) FROM recado_reference
WHERE tenant_id IS NOT NULL AND service_url <> '' GROUP BY bot, channel, tenant_id;

CREATE TABLE recado_audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    bot TEXT NOT NULL,
    -- the reference it is about, if it is about one
    reference INTEGER,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX recado_audit_reference ON recado_audit (reference) WHERE reference IS NOT NULL;
CREATE INDEX recado_audit_at ON recado_audit (at);
