-- A lot that is counted and whose capacity nobody told has no known free spots, and no rate. As
-- greatest() passes null over, it had none free, and was full.

CREATE OR REPLACE VIEW current_lot_occupancy AS
WITH sensed AS (
    SELECT lot_id, sum(capacity) AS capacity, sum(current_occupancy) AS current_occupancy,
        sum(free_spots) AS free_spots, sum(unknown_spots) AS unknown_spots,
        sum(closed_spots) AS closed_spots, max(last_updated) AS last_updated
    FROM current_zone_occupancy GROUP BY lot_id
), laned AS (
    SELECT c.lot_id, l.counted_capacity AS capacity, sum(c.count) AS counted,
        greatest(sum(c.count), 0) AS vehicles, max(c.last_at) AS last_updated
    FROM counts c LEFT JOIN lots l USING (lot_id) GROUP BY c.lot_id, l.counted_capacity
), joined AS (
    SELECT coalesce(s.lot_id, n.lot_id) AS lot_id,
        CASE WHEN s.lot_id IS NULL THEN n.capacity
             ELSE s.capacity + coalesce(n.capacity, 0) END AS capacity,
        coalesce(s.current_occupancy, 0)
            + coalesce(least(n.vehicles, n.capacity), n.vehicles, 0) AS current_occupancy,
        CASE WHEN s.lot_id IS NOT NULL
             THEN s.free_spots + coalesce(greatest(n.capacity - n.vehicles, 0), 0)
             WHEN n.capacity IS NOT NULL THEN greatest(n.capacity - n.vehicles, 0) END AS free_spots,
        coalesce(s.unknown_spots, 0) AS unknown_spots,
        coalesce(s.closed_spots, 0) AS closed_spots,
        n.counted,
        greatest(s.last_updated, n.last_updated) AS last_updated
    FROM sensed s FULL JOIN laned n USING (lot_id)
)
SELECT j.lot_id, l.facility_id, j.capacity::bigint AS capacity,
    j.current_occupancy::bigint AS current_occupancy, j.free_spots::bigint AS free_spots,
    j.unknown_spots::bigint AS unknown_spots, j.closed_spots::bigint AS closed_spots,
    j.counted::bigint AS counted,
    round(j.current_occupancy / nullif(j.current_occupancy + j.free_spots, 0), 4)
        AS occupancy_rate,
    j.last_updated
FROM joined j LEFT JOIN lots l USING (lot_id);
