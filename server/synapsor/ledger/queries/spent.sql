-- How often somebody has asked in a day.

-- name: forget_spent
-- Forget days that are over.
DELETE FROM spent WHERE day < :day;

-- name: spent_by
-- How many calls one caller has made in a day, and how many different ones; `known` when this one is among them.
SELECT
    coalesce(sum(calls), 0) AS calls,
    count(*) AS variants,
    coalesce(max(variant = :variant), 0) AS known
FROM spent WHERE day = :day AND caller = :caller;

-- name: spend
-- Count a call.
INSERT INTO spent (day, caller, variant, calls) VALUES (:day, :caller, :variant, 1)
ON CONFLICT (day, caller, variant) DO UPDATE SET calls = calls + 1;
