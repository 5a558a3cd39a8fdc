WITH hourly AS (
    SELECT lot_id, hour(local) AS hour,
        sum(CASE WHEN status = 'occupied' THEN ms ELSE 0 END) AS occupied_ms,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN ms ELSE 0 END) AS covered_ms,
        sum(CASE WHEN status <> 'closed' THEN ms ELSE 0 END) AS open_ms
    FROM quarters
    GROUP BY lot_id, hour(local)
)
SELECT lot_id, hour, CAST(occupied_ms AS double) / nullif(covered_ms, 0) AS occupancy
FROM hourly
WHERE 2 * covered_ms >= open_ms AND 5 * occupied_ms >= 4 * covered_ms AND covered_ms > 0
ORDER BY lot_id, CAST(occupied_ms AS double) / nullif(covered_ms, 0) DESC, hour
