-- name: ask
-- Each is a delivery with its conversation, the id of its notification, its receipt and when it
-- was delivered. One that was asked before stays as it is. The third is for how long a question
-- can be answered unless it is said.
INSERT INTO recado_question (
    delivery, reference, notification, activity_id, handler, value, mark, user_id, asked_at,
    expires_at
)
SELECT asked ->> 0, CAST(asked ->> 1 AS bigint), n.id, asked ->> 3, n.answer_handler,
    n.answer_value, n.answer_mark, CAST(n."user" AS json) ->> 'id', CAST(asked ->> 4 AS bigint),
    coalesce(
        CAST(asked ->> 4 AS bigint) + n.answer_within, n.expires_at,
        CAST(asked ->> 4 AS bigint) + CAST(:within AS bigint)
    )
FROM json_array_elements(CAST(:asked AS json)) AS asked
JOIN recado_notification AS n ON n.id = asked ->> 2
WHERE n.answer_handler IS NOT NULL
ON CONFLICT (delivery) DO NOTHING;

-- name: take_back
-- What was recalled asks nothing any more.
DELETE FROM recado_question WHERE delivery = ANY(ARRAY(
    SELECT value FROM json_array_elements_text(CAST(? AS json)) AS value
));
