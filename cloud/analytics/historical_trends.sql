WITH daily AS (
    SELECT lot_id, day,
        sum(CASE WHEN status = 'occupied' THEN ms ELSE 0 END) AS occupied_ms,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN ms ELSE 0 END) AS covered_ms,
        sum(CASE WHEN status <> 'closed' THEN ms ELSE 0 END) AS open_ms
    FROM day_segments
    GROUP BY lot_id, day
), arrived AS (
    SELECT lot_id, CAST(local_time(begins) AS date) AS day, count(*) AS arrivals
    FROM spot_spans
    WHERE status = 'occupied' AND status_before = 'vacant' AND begins >= :begin AND begins < :end
    GROUP BY lot_id, CAST(local_time(begins) AS date)
)
SELECT d.lot_id, d.day, coalesce(a.arrivals, 0) AS arrivals,
    CASE WHEN 2 * d.covered_ms >= d.open_ms
        THEN CAST(d.occupied_ms AS double) / nullif(d.covered_ms, 0) END AS occupancy,
    CAST(d.covered_ms AS double) / nullif(d.open_ms, 0) AS coverage
FROM daily AS d
LEFT JOIN arrived AS a ON a.lot_id = d.lot_id AND a.day = d.day
ORDER BY d.lot_id, d.day
