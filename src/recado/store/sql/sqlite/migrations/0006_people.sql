-- People: rosters, conversations made from here, and audiences of people.

-- No activity has come from it: it was made from here, for somebody who was named. It is in no
-- broadcast until somebody there has said something.
ALTER TABLE recado_reference ADD COLUMN unheard INTEGER NOT NULL DEFAULT 0;
-- Its conversation has to be made, or made again, before anything can be said in it.
ALTER TABLE recado_reference ADD COLUMN unmade INTEGER NOT NULL DEFAULT 0;
-- It was made again after the channel did not find it, and nothing was delivered since.
ALTER TABLE recado_reference ADD COLUMN remade INTEGER NOT NULL DEFAULT 0;

-- When somebody was first known to be in a conversation; 0 for those who were before this column.
ALTER TABLE recado_member ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- Who is in a team or group as its channel tells it. That makes nobody reachable by itself.
CREATE TABLE recado_roster (
    reference INTEGER NOT NULL REFERENCES recado_reference (number) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    name TEXT,
    aad_object_id TEXT,
    email TEXT,
    principal_name TEXT,
    -- the person's own, which may be another than the team's
    tenant_id TEXT,
    -- when they were first on it, and when last
    since INTEGER NOT NULL,
    listed_at INTEGER NOT NULL,
    PRIMARY KEY (reference, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_roster_user ON recado_roster (user_id);
CREATE INDEX recado_roster_aad ON recado_roster (aad_object_id) WHERE aad_object_id IS NOT NULL;
CREATE INDEX recado_roster_email ON recado_roster (email) WHERE email IS NOT NULL;
CREATE INDEX recado_roster_principal ON recado_roster (principal_name)
    WHERE principal_name IS NOT NULL;

-- A roster that is being read: as far as which page.
CREATE TABLE recado_roster_reading (
    reference INTEGER PRIMARY KEY REFERENCES recado_reference (number) ON DELETE CASCADE,
    began_at INTEGER NOT NULL,
    -- what the next page is asked with
    continuation TEXT NOT NULL,
    listed INTEGER NOT NULL
) STRICT;

-- An audience of a team's or group's people: whose they are, who was come to last, and until when
-- they had to be known.
ALTER TABLE recado_notification ADD COLUMN expand_within INTEGER;
ALTER TABLE recado_notification ADD COLUMN expand_person TEXT;
ALTER TABLE recado_notification ADD COLUMN expand_known INTEGER;
