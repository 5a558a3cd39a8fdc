WITH hourly AS (
    SELECT lot_id, hour(local) AS hour,
        sum(CASE WHEN status = 'occupied' THEN seconds ELSE 0.0E0 END) AS occupied_s,
        sum(CASE WHEN status IN ('occupied', 'vacant') THEN seconds ELSE 0.0E0 END) AS covered_s,
        sum(CASE WHEN status <> 'closed' THEN seconds ELSE 0.0E0 END) AS open_s
    FROM quarters
    GROUP BY lot_id, hour(local)
)
SELECT lot_id, hour, occupied_s / nullif(covered_s, 0.0E0) AS occupancy
FROM hourly
WHERE covered_s >= 0.5E0 * open_s AND occupied_s >= 0.8E0 * covered_s AND covered_s > 0.0E0
ORDER BY lot_id, occupied_s / nullif(covered_s, 0.0E0) DESC, hour
