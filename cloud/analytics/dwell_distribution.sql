WITH stays AS (
    SELECT lot_id, date_diff('millisecond', begins, ends) / 60000.0E0 AS minutes
    FROM spot_spans
    WHERE status = 'occupied' AND status_before = 'vacant' AND status_after = 'vacant'
        AND ends >= :begin AND ends < :end
), binned AS (
    SELECT lot_id,
        CASE WHEN minutes < 15 THEN 0 WHEN minutes < 30 THEN 15 WHEN minutes < 60 THEN 30
             WHEN minutes < 120 THEN 60 WHEN minutes < 240 THEN 120
             WHEN minutes < 480 THEN 240 ELSE 480 END AS from_min
    FROM stays
)
SELECT lot_id, from_min, count(*) AS stays,
    CAST(count(*) AS double) / sum(count(*)) OVER (PARTITION BY lot_id) AS share
FROM binned
GROUP BY lot_id, from_min
ORDER BY lot_id, from_min
