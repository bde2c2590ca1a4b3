-- Updates and recalls: what they do about copies that cannot be changed, and the copies they make.

-- What a change does about a copy that cannot be changed.
ALTER TABLE recado_notification ADD COLUMN otherwise TEXT
    CHECK (otherwise IN ('follow_up', 'refuse'));
-- The changes of a notification, in the order they were accepted.
CREATE INDEX recado_notification_target ON recado_notification (target)
    WHERE target IS NOT NULL;
CREATE INDEX recado_notification_copies ON recado_notification (number)
    WHERE copies_after IS NOT NULL;

-- Deliveries of changes that are copies themselves: sent in the place of one that had not left,
-- or after one that cannot be changed.
CREATE TABLE recado_copy (
    -- the original notification
    root INTEGER NOT NULL,
    delivery TEXT NOT NULL,
    -- the copy after which it was sent
    follows TEXT,
    PRIMARY KEY (root, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX recado_copy_follows ON recado_copy (follows) WHERE follows IS NOT NULL;

-- A follow-up message is known to be one when it has been delivered.
CREATE TRIGGER recado_follow_up AFTER INSERT ON recado_history
WHEN NEW.target IS NOT NULL AND NEW.reason = 'follow_up'
BEGIN
    INSERT INTO recado_copy (root, delivery, follows)
    SELECT n.target, NEW.id, NEW.target FROM recado_notification AS n
    WHERE n.number = NEW.notification;
END;

-- What a channel has said it does not support.
CREATE TABLE recado_unable (
    channel TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('update', 'recall')),
    since INTEGER NOT NULL,
    PRIMARY KEY (channel, action)
) STRICT, WITHOUT ROWID;
