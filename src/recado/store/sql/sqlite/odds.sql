-- name: writable
-- Changes nothing, but needs all that a change needs.
UPDATE recado_sequence SET value = value WHERE name = 'entry';
