WITH hourly AS (
    SELECT lot_id, day_of_week(local) AS weekday, hour(local) AS hour,
        sum(CASE WHEN status = 'occupied' THEN ms ELSE 0 END) AS occupied_ms,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN ms ELSE 0 END) AS covered_ms,
        sum(CASE WHEN status <> 'closed' THEN ms ELSE 0 END) AS open_ms
    FROM quarters
    GROUP BY lot_id, day_of_week(local), hour(local)
)
SELECT lot_id, weekday, hour, covered_ms / 1000.0E0 AS covered_s,
    CASE WHEN 2 * covered_ms >= open_ms
        THEN CAST(occupied_ms AS double) / nullif(covered_ms, 0) END AS occupancy
FROM hourly
ORDER BY lot_id, weekday, hour
