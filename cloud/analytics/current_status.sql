SELECT lot_id, zone_id, spot_id, status, begins AS since
FROM spot_spans
WHERE ends IS NULL
ORDER BY lot_id, spot_id
