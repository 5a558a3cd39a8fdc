-- A gateway or a stream may deliver twice; compaction leaves one. :hours prunes the partitions.
SELECT * FROM (
    SELECT d.*, row_number() OVER (PARTITION BY d.event_id ORDER BY d.taken_at) AS nth
    FROM parking_data AS d
    WHERE :hours AND d."timestamp" >= :since AND d."timestamp" < :end
) AS numbered
WHERE numbered.nth = 1
