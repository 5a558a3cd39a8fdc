SELECT lot_id, spot_id, zone_id, status,
    greatest(begins, :begin) AS begins,
    least(coalesce(ends, :end), :end) AS ends
FROM spot_spans
WHERE coalesce(ends, :end) > :begin
