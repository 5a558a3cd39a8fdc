-- Spot-milliseconds of each status in each quarter of an hour: integers, whose sums are the same in
-- whichever order an engine adds them.
SELECT s.lot_id, s.spot_id, s.zone_id, h.quarter, h.local, s.status,
    date_diff('millisecond', greatest(s.begins, h.quarter), least(s.ends, h.quarter_ends)) AS ms
FROM spot_segments AS s
JOIN hours AS h ON s.begins < h.quarter_ends AND s.ends > h.quarter
