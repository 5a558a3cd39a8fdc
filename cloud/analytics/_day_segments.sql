-- Spot-milliseconds of each status in each day: a row a day, where `quarters` has 96.
SELECT s.lot_id, s.spot_id, s.zone_id, d.day, s.status,
    date_diff('millisecond', greatest(s.begins, d.day_begins), least(s.ends, d.day_ends)) AS ms
FROM spot_segments AS s
JOIN days AS d ON s.begins < d.day_ends AND s.ends > d.day_begins
