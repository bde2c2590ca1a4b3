-- name: ask
-- Each is a delivery with its conversation, the id of its notification, its receipt and when it
-- was delivered. One that was asked before stays as it is. The third is for how long a question
-- can be answered unless it is said.
INSERT INTO recado_question (
    delivery, reference, notification, activity_id, handler, value, mark, user_id, asked_at,
    expires_at
)
SELECT json_extract(asked.value, '$[0]'), json_extract(asked.value, '$[1]'), n.id,
    json_extract(asked.value, '$[3]'), n.answer_handler, n.answer_value, n.answer_mark,
    json_extract(n.user, '$.id'), json_extract(asked.value, '$[4]'), coalesce(
        json_extract(asked.value, '$[4]') + n.answer_within, n.expires_at,
        json_extract(asked.value, '$[4]') + :within
    )
FROM json_each(:asked) AS asked
CROSS JOIN recado_notification AS n ON n.id = json_extract(asked.value, '$[2]')
WHERE n.answer_handler IS NOT NULL
ON CONFLICT (delivery) DO NOTHING;

-- name: take_back
-- What was recalled asks nothing any more.
DELETE FROM recado_question WHERE delivery IN (SELECT value FROM json_each(?));
