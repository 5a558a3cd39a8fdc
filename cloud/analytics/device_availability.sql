WITH told AS (
    SELECT lot_id, agent_id, "timestamp" AS at, event_type
    FROM unique_events
    WHERE agent_id IS NOT NULL AND event_type <> 'ALERT'
), seen AS (
    SELECT lot_id, agent_id,
        sum(CASE WHEN event_type = 'BIRTH' AND at >= :begin THEN 1 ELSE 0 END) AS starts,
        max(CASE WHEN event_type <> 'AGENT_SILENT' THEN at END) AS last_record
    FROM told
    GROUP BY lot_id, agent_id
), marks AS (
    SELECT lot_id, agent_id, event_type, at,
        lead(at) OVER (PARTITION BY lot_id, agent_id ORDER BY at, event_type) AS then_at
    FROM told
    WHERE event_type IN ('AGENT_SILENT', 'AGENT_HEARD')
), silent AS (
    SELECT lot_id, agent_id,
        sum(date_diff('millisecond', greatest(at, :begin), least(coalesce(then_at, :end), :end)))
            AS silent_ms
    FROM marks
    WHERE event_type = 'AGENT_SILENT' AND coalesce(then_at, :end) > :begin
    GROUP BY lot_id, agent_id
)
SELECT s.lot_id, s.agent_id, s.starts, s.last_record,
    coalesce(q.silent_ms, 0) / 1000.0E0 AS silent_s,
    1.0E0 - CAST(coalesce(q.silent_ms, 0) AS double) / nullif(date_diff('millisecond', :begin, :end), 0)
        AS availability
FROM seen AS s
LEFT JOIN silent AS q ON q.lot_id = s.lot_id AND q.agent_id = s.agent_id
ORDER BY s.lot_id, s.agent_id
