WITH daily AS (
    SELECT lot_id, CAST(local AS date) AS day,
        sum(CASE WHEN status = 'occupied' THEN seconds ELSE 0.0E0 END) AS occupied_s,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN seconds ELSE 0.0E0 END) AS covered_s,
        sum(CASE WHEN status <> 'closed' THEN seconds ELSE 0.0E0 END) AS open_s
    FROM quarters
    GROUP BY lot_id, CAST(local AS date)
), arrived AS (
    SELECT lot_id, CAST(local_time(begins) AS date) AS day, count(*) AS arrivals
    FROM spot_spans
    WHERE status = 'occupied' AND status_before = 'vacant' AND begins >= :begin AND begins < :end
    GROUP BY lot_id, CAST(local_time(begins) AS date)
)
SELECT d.lot_id, d.day, coalesce(a.arrivals, 0) AS arrivals,
    CASE WHEN d.covered_s >= 0.5E0 * d.open_s
        THEN d.occupied_s / nullif(d.covered_s, 0.0E0) END AS occupancy,
    d.covered_s / nullif(d.open_s, 0.0E0) AS coverage
FROM daily AS d
LEFT JOIN arrived AS a ON a.lot_id = d.lot_id AND a.day = d.day
ORDER BY d.lot_id, d.day
