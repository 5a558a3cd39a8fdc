-- Occupancy of car parks (UCI 482): each row with what it says, or the first reason against it.
-- Reads: rows (line, the file's columns as text), offsets (the zone's, in seconds since 1970).
WITH parsed AS (
    SELECT r.line,
        CASE WHEN regexp_like(r.systemcodenumber, '^[A-Za-z0-9_. -]{1,64}\z')
            THEN replace(r.systemcodenumber, ' ', '-') END AS lot_id,
        CASE WHEN regexp_like(r.capacity, '^[1-9][0-9]{0,5}\z')
            THEN TRY_CAST(r.capacity AS bigint) END AS capacity,
        CASE WHEN regexp_like(r.occupancy, '^-?[0-9]{1,6}\z')
            THEN TRY_CAST(r.occupancy AS bigint) END AS occupied,
        CASE WHEN regexp_like(r.lastupdated, '^[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\z')
            THEN CAST(to_unixtime(TRY_CAST(r.lastupdated AS timestamp)) AS bigint) END AS local_s
    FROM rows AS r
), timed AS (
    SELECT p.*, p.local_s - o.offset_s AS at_s, o.twice
    FROM parsed AS p
    LEFT JOIN offsets AS o ON p.local_s >= o.begin_s AND p.local_s < o.end_s
), valued AS (
    SELECT t.*,
        CASE
            WHEN t.lot_id IS NULL THEN 'unreadable SystemCodeNumber'
            WHEN t.capacity IS NULL THEN 'unreadable Capacity'
            WHEN t.occupied IS NULL THEN 'unreadable Occupancy'
            WHEN t.local_s IS NULL THEN 'unreadable LastUpdated'
            WHEN t.at_s IS NULL THEN 'no such local time'
            WHEN t.occupied < 0 THEN 'negative'
            WHEN t.occupied > t.capacity THEN 'overfull'
        END AS fault
    FROM timed AS t
), numbered AS (
    SELECT v.*,
        row_number() OVER (
            PARTITION BY v.fault, v.lot_id, v.local_s, v.capacity, v.occupied ORDER BY v.line
        ) AS nth,
        min(v.capacity) OVER (PARTITION BY v.fault, v.lot_id, v.local_s)
            <> max(v.capacity) OVER (PARTITION BY v.fault, v.lot_id, v.local_s)
        OR min(v.occupied) OVER (PARTITION BY v.fault, v.lot_id, v.local_s)
            <> max(v.occupied) OVER (PARTITION BY v.fault, v.lot_id, v.local_s) AS disputed
    FROM valued AS v
)
SELECT n.line,
    CASE
        WHEN n.fault IS NOT NULL THEN n.fault
        WHEN n.nth > 1 THEN 'duplicate'
        WHEN n.disputed THEN 'conflicting duplicate'
    END AS reason,
    n.lot_id, n.at_s, n.capacity, n.occupied,
    coalesce(n.twice, FALSE) AS clock_twice
FROM numbered AS n
