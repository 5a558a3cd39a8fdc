WITH given_up AS (
    SELECT lot_id, CAST(local_time("timestamp") AS date) AS day, count(*) AS gaps
    FROM unique_events
    WHERE event_type = 'GAP' AND "timestamp" >= :begin
    GROUP BY lot_id, CAST(local_time("timestamp") AS date)
), daily AS (
    SELECT lot_id, zone_id, day,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN ms ELSE 0 END) AS covered_ms,
        sum(CASE WHEN status = 'unknown' THEN ms ELSE 0 END) AS unknown_ms,
        sum(CASE WHEN status = 'closed' THEN ms ELSE 0 END) AS closed_ms
    FROM day_segments
    GROUP BY lot_id, zone_id, day
)
SELECT d.lot_id, d.zone_id, d.day, d.covered_ms / 1000.0E0 AS covered_s,
    d.unknown_ms / 1000.0E0 AS unknown_s, d.closed_ms / 1000.0E0 AS closed_s,
    CAST(d.covered_ms AS double) / nullif(d.covered_ms + d.unknown_ms, 0) AS coverage,
    coalesce(g.gaps, 0) AS lot_gaps
FROM daily AS d
LEFT JOIN given_up AS g ON g.lot_id = d.lot_id AND g.day = d.day
ORDER BY d.lot_id, d.zone_id, d.day
