WITH covered AS (
    SELECT lot_id,
        sum(CASE WHEN status IN ('occupied', 'vacant')
            THEN date_diff('millisecond', begins, ends) ELSE 0 END) / 3600000.0E0 AS bay_hours
    FROM spot_segments
    GROUP BY lot_id
), arrived AS (
    SELECT lot_id, count(*) AS arrivals
    FROM spot_spans
    WHERE status = 'occupied' AND status_before = 'vacant' AND begins >= :begin AND begins < :end
    GROUP BY lot_id
), ended AS (
    SELECT lot_id, date_diff('millisecond', begins, ends) AS stay_ms,
        row_number() OVER (PARTITION BY lot_id ORDER BY date_diff('millisecond', begins, ends))
            AS nth,
        count(*) OVER (PARTITION BY lot_id) AS stays
    FROM spot_spans
    WHERE status = 'occupied' AND status_before = 'vacant' AND status_after = 'vacant'
        AND ends >= :begin AND ends < :end
), dwelt AS (
    SELECT lot_id, max(stays) AS stays, avg(stay_ms) / 1000.0E0 AS average_dwell_s,
        avg(CASE WHEN 2 * nth BETWEEN stays AND stays + 2 THEN stay_ms END) / 1000.0E0
            AS median_dwell_s,
        min(CASE WHEN nth >= 0.95E0 * stays THEN stay_ms END) / 1000.0E0 AS p95_dwell_s
    FROM ended
    GROUP BY lot_id
)
SELECT c.lot_id, coalesce(a.arrivals, 0) AS arrivals,
    coalesce(a.arrivals, 0) / nullif(c.bay_hours, 0.0E0) AS per_bay_hour,
    coalesce(d.stays, 0) AS stays, d.average_dwell_s, d.median_dwell_s, d.p95_dwell_s
FROM covered AS c
LEFT JOIN arrived AS a ON a.lot_id = c.lot_id
LEFT JOIN dwelt AS d ON d.lot_id = c.lot_id
ORDER BY c.lot_id
