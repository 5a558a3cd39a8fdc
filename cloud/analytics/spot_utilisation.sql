WITH shares AS (
    SELECT lot_id, zone_id, spot_id,
        sum(CASE WHEN status = 'occupied' THEN date_diff('millisecond', begins, ends) / 1000.0E0
            ELSE 0.0E0 END) AS occupied_s,
        sum(CASE WHEN status IN ('occupied', 'vacant')
            THEN date_diff('millisecond', begins, ends) / 1000.0E0 ELSE 0.0E0 END) AS covered_s,
        sum(CASE WHEN status <> 'closed' THEN date_diff('millisecond', begins, ends) / 1000.0E0
            ELSE 0.0E0 END) AS open_s
    FROM spot_segments
    GROUP BY lot_id, zone_id, spot_id
), arrived AS (
    SELECT lot_id, spot_id, count(*) AS arrivals
    FROM spot_spans
    WHERE status = 'occupied' AND status_before = 'vacant' AND begins >= :begin AND begins < :end
    GROUP BY lot_id, spot_id
)
SELECT s.lot_id, s.zone_id, s.spot_id, coalesce(a.arrivals, 0) AS arrivals,
    s.occupied_s, s.covered_s,
    CASE WHEN s.covered_s >= 0.5E0 * s.open_s
        THEN s.occupied_s / CAST(nullif(s.covered_s, 0.0E0) AS double) END AS utilisation
FROM shares AS s
LEFT JOIN arrived AS a ON a.lot_id = s.lot_id AND a.spot_id = s.spot_id
ORDER BY coalesce(a.arrivals, 0) DESC, s.lot_id, s.spot_id
