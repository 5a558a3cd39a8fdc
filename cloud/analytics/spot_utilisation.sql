WITH lasted AS (
    SELECT lot_id, zone_id, spot_id, status, date_diff('millisecond', begins, ends) AS ms
    FROM spot_segments
), shares AS (
    SELECT lot_id, zone_id, spot_id,
        sum(CASE WHEN status = 'occupied' THEN ms ELSE 0 END) AS occupied_ms,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN ms ELSE 0 END) AS covered_ms,
        sum(CASE WHEN status <> 'closed' THEN ms ELSE 0 END) AS open_ms
    FROM lasted
    GROUP BY lot_id, zone_id, spot_id
), arrived AS (
    SELECT lot_id, spot_id, count(*) AS arrivals
    FROM spot_spans
    WHERE status = 'occupied' AND status_before = 'vacant' AND begins >= :begin AND begins < :end
    GROUP BY lot_id, spot_id
)
SELECT s.lot_id, s.zone_id, s.spot_id, coalesce(a.arrivals, 0) AS arrivals,
    s.occupied_ms / 1000.0E0 AS occupied_s, s.covered_ms / 1000.0E0 AS covered_s,
    CASE WHEN 2 * s.covered_ms >= s.open_ms
        THEN CAST(s.occupied_ms AS double) / nullif(s.covered_ms, 0) END AS utilisation
FROM shares AS s
LEFT JOIN arrived AS a ON a.lot_id = s.lot_id AND a.spot_id = s.spot_id
ORDER BY coalesce(a.arrivals, 0) DESC, s.lot_id, s.spot_id
