-- When people want to be told, and how much they have been.

-- What has been said of a recipient's zone and hours. A person is named as in `user:<id>`, a
-- conversation, by its reference's id, as in `conversation:<id>`.
CREATE TABLE recado_recipient (
    bot TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    zone TEXT COLLATE "C",
    -- as people write them; 'off' where they want none
    quiet TEXT COLLATE "C",
    -- JSON: the weekly window of each category, that of '' for all others
    windows TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (bot, name)
);
-- Mostly nobody has any, and then nothing is looked up for what leaves.
CREATE INDEX recado_recipient_hours ON recado_recipient (bot, name)
    WHERE quiet IS NOT NULL OR windows IS NOT NULL;

-- What has been sent to recipients of late, where caps are configured: a row for each, which is
-- held by whoever is about to send there.
CREATE TABLE recado_counted (
    bot TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- JSON: when, of which category, in which delivery
    sent TEXT COLLATE "C" NOT NULL,
    -- When the latest left.
    last_at BIGINT NOT NULL,
    PRIMARY KEY (bot, name)
);
CREATE INDEX recado_counted_last ON recado_counted (last_at);
