-- name: begin_within
UPDATE recado_notification SET expand_within = :within, expand_person = '',
    expand_known = accepted_at
WHERE number = :number;

-- name: group
SELECT bot, channel FROM recado_reference WHERE number = ?;
