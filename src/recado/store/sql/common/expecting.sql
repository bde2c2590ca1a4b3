-- name: any
-- Whether anybody is expected at all.
SELECT EXISTS (
    SELECT 1 FROM recado_reference WHERE bot = ? AND channel = '' AND health_reason = 'expected'
);

-- name: health
SELECT health FROM recado_reference WHERE number = ?;
