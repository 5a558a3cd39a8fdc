-- Stays in bays (City of Melbourne): each row with what it says, or the first reason against it.
-- Reads: rows (line, the file's columns as text), offsets (the zone's, in seconds since 1970).
-- A departure is known to the second and a stay to the minute, so it is arrivals that give way:
-- by no more than 60 s to the departure before. A stay of 0 minutes is taken as one of 30 s.
WITH parsed AS (
    SELECT r.line,
        CASE WHEN regexp_like(r.bayid, '^[A-Za-z0-9_.-]{1,64}\z') THEN r.bayid END AS spot_id,
        CASE WHEN regexp_like(
                r.departuretime, '^[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\z')
            THEN CAST(to_unixtime(TRY_CAST(r.departuretime AS timestamp)) AS bigint)
            END AS local_s,
        CASE WHEN regexp_like(r.duration, '^-?[0-9]{1,6}([.][0-9]{1,6})?\z')
            THEN CAST(round(TRY_CAST(r.duration AS double) * 60.0E0) AS bigint) END AS stay_s
    FROM rows AS r
), timed AS (
    SELECT p.*, p.local_s - o.offset_s AS departed_s, o.twice
    FROM parsed AS p
    LEFT JOIN offsets AS o ON p.local_s >= o.begin_s AND p.local_s < o.end_s
), valued AS (
    SELECT t.*, CASE WHEN t.stay_s < 30 THEN 30 ELSE t.stay_s END AS played_s,
        CASE
            WHEN t.spot_id IS NULL THEN 'unreadable BayId'
            WHEN t.local_s IS NULL THEN 'unreadable DepartureTime'
            WHEN t.stay_s IS NULL THEN 'unreadable duration'
            WHEN t.departed_s IS NULL THEN 'no such local time'
            WHEN t.stay_s < 0 THEN 'negative duration'
        END AS fault
    FROM timed AS t
), numbered AS (
    SELECT v.*,
        row_number() OVER (
            PARTITION BY v.fault, v.spot_id, v.departed_s, v.stay_s ORDER BY v.line) AS nth,
        min(v.stay_s) OVER (PARTITION BY v.fault, v.spot_id, v.departed_s)
            <> max(v.stay_s) OVER (PARTITION BY v.fault, v.spot_id, v.departed_s) AS disputed
    FROM valued AS v
), judged AS (
    SELECT n.*,
        CASE
            WHEN n.fault IS NOT NULL THEN n.fault
            WHEN n.nth > 1 THEN 'duplicate'
            WHEN n.disputed THEN 'conflicting duplicate'
        END AS so_far
    FROM numbered AS n
), followed AS (
    SELECT j.*,
        CASE WHEN j.so_far IS NULL THEN lag(j.departed_s) OVER (
            PARTITION BY j.so_far, j.spot_id ORDER BY j.departed_s) END AS before_s
    FROM judged AS j
), overlapped AS (
    SELECT f.*,
        CASE
            WHEN f.so_far IS NOT NULL THEN f.so_far
            WHEN f.before_s - (f.departed_s - f.played_s) > 60 THEN 'overlaps another stay'
        END AS reason
    FROM followed AS f
), settled AS (
    SELECT o.*,
        CASE WHEN o.reason IS NULL THEN lag(o.departed_s) OVER (
            PARTITION BY o.reason, o.spot_id ORDER BY o.departed_s) END AS free_s
    FROM overlapped AS o
)
SELECT s.line, s.reason, s.spot_id,
    CASE WHEN s.free_s > s.departed_s - s.played_s
        THEN s.free_s ELSE s.departed_s - s.played_s END AS arrived_s,
    s.departed_s,
    coalesce(s.stay_s < 30, FALSE) AS short,
    coalesce(s.free_s > s.departed_s - s.played_s, FALSE) AS trimmed,
    coalesce(s.twice, FALSE) AS clock_twice
FROM settled AS s
