WITH hourly AS (
    SELECT lot_id, zone_id, date_trunc('hour', quarter) AS hour,
        sum(CASE WHEN status = 'occupied' THEN ms ELSE 0 END) AS occupied_ms,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN ms ELSE 0 END) AS covered_ms,
        sum(CASE WHEN status <> 'closed' THEN ms ELSE 0 END) AS open_ms
    FROM quarters
    GROUP BY lot_id, zone_id, date_trunc('hour', quarter)
)
SELECT lot_id, zone_id, hour, occupied_ms / 1000.0E0 AS occupied_s,
    covered_ms / 1000.0E0 AS covered_s, open_ms / 1000.0E0 AS open_s,
    CASE WHEN 2 * covered_ms >= open_ms
        THEN CAST(occupied_ms AS double) / nullif(covered_ms, 0) END AS occupancy
FROM hourly
ORDER BY lot_id, zone_id, hour
