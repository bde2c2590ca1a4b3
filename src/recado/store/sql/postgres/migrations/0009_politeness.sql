-- Politeness: when a notification may leave, and what it is about.

-- How long its conversation has to have been quiet, and how long it waits for that at most.
ALTER TABLE recado_notification ADD COLUMN quiet BIGINT;
ALTER TABLE recado_notification ADD COLUMN max_wait BIGINT;
-- Since when its recipient has asked for it.
ALTER TABLE recado_notification ADD COLUMN asked_at BIGINT;
-- The watch it tells of: it is said only while that is true.
ALTER TABLE recado_notification ADD COLUMN watch BIGINT;
