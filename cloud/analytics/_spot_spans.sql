-- What a spot's agent said, what people did to it, and whether its agent was heard, each carried on
-- until it is said anew. A closed spot is closed, one whose agent is silent is unknown, and so is each
-- before its first record.
WITH said AS (
    SELECT lot_id, spot_id, zone_id, agent_id, "timestamp" AS at, coalesce(seq, 0) AS seq,
        event_id, status AS own, CAST(NULL AS boolean) AS silent,
        CASE event_type WHEN 'SPOT_CLOSED' THEN true WHEN 'SPOT_OPENED' THEN false END AS shut
    FROM unique_events
    WHERE spot_id IS NOT NULL
        AND (status IS NOT NULL OR event_type IN ('SPOT_CLOSED', 'SPOT_OPENED'))
), watched AS (
    SELECT DISTINCT lot_id, spot_id, zone_id, agent_id FROM said WHERE agent_id IS NOT NULL
), heard AS (
    SELECT w.lot_id, w.spot_id, w.zone_id, w.agent_id, e."timestamp" AS at, 0 AS seq,
        e.event_id, CAST(NULL AS varchar) AS own, e.event_type = 'AGENT_SILENT' AS silent,
        CAST(NULL AS boolean) AS shut
    FROM unique_events AS e
    JOIN watched AS w ON w.lot_id = e.lot_id AND w.agent_id = e.agent_id
    WHERE e.event_type IN ('AGENT_SILENT', 'AGENT_HEARD')
), begun AS (
    SELECT lot_id, spot_id, max(zone_id) AS zone_id, CAST(NULL AS varchar) AS agent_id,
        :since AS at, -1 AS seq, '' AS event_id, CAST(NULL AS varchar) AS own,
        CAST(NULL AS boolean) AS silent, CAST(NULL AS boolean) AS shut
    FROM said
    GROUP BY lot_id, spot_id
), told AS (
    SELECT * FROM begun UNION ALL SELECT * FROM said UNION ALL SELECT * FROM heard
), carried AS (
    SELECT lot_id, spot_id, zone_id, at, seq, event_id,
        last_value(own) IGNORE NULLS OVER w AS own,
        last_value(silent) IGNORE NULLS OVER w AS silent,
        last_value(shut) IGNORE NULLS OVER w AS shut
    FROM told
    WINDOW w AS (PARTITION BY lot_id, spot_id ORDER BY at, seq, event_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
), shown AS (
    SELECT lot_id, spot_id, zone_id, at, seq, event_id,
        CASE WHEN shut THEN 'closed' WHEN silent THEN 'unknown' ELSE coalesce(own, 'unknown') END
            AS status
    FROM carried
), last_of_moment AS (
    SELECT *, lead(at) OVER (PARTITION BY lot_id, spot_id ORDER BY at, seq, event_id) AS then_at
    FROM shown
), lasting AS (
    SELECT *, lag(status) OVER (PARTITION BY lot_id, spot_id ORDER BY at, seq, event_id) AS before
    FROM last_of_moment
    WHERE then_at IS NULL OR then_at > at
)
SELECT lot_id, spot_id, zone_id, status, at AS begins,
    lead(at) OVER (PARTITION BY lot_id, spot_id ORDER BY at) AS ends,
    before AS status_before,
    lead(status) OVER (PARTITION BY lot_id, spot_id ORDER BY at) AS status_after
FROM lasting
WHERE before IS NULL OR before <> status
