SELECT lot_id, day_of_week(local) AS weekday, hour(local) AS hour,
    sum(CASE WHEN status IN ('occupied', 'vacant') THEN seconds ELSE 0.0E0 END) AS covered_s,
    CASE WHEN sum(CASE WHEN status IN ('occupied', 'vacant') THEN seconds ELSE 0.0E0 END)
        >= 0.5E0 * sum(CASE WHEN status <> 'closed' THEN seconds ELSE 0.0E0 END)
    THEN sum(CASE WHEN status = 'occupied' THEN seconds ELSE 0.0E0 END)
        / nullif(sum(CASE WHEN status IN ('occupied', 'vacant') THEN seconds ELSE 0.0E0 END), 0.0E0)
    END AS occupancy
FROM quarters
GROUP BY lot_id, day_of_week(local), hour(local)
ORDER BY lot_id, day_of_week(local), hour(local)
