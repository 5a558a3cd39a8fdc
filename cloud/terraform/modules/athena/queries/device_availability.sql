WITH unique_events AS (
  SELECT
    *
  FROM (
    SELECT
      d.*,
      ROW_NUMBER() OVER (PARTITION BY d.event_id ORDER BY d.taken_at) AS nth
    FROM parking_data AS d
    WHERE
      (
        CONCAT(year, month, day) BETWEEN DATE_FORMAT(
          DATE_ADD('DAY', -32, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
          '%Y%m%d'
        ) AND DATE_FORMAT(CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP), '%Y%m%d')
      )
      AND d."timestamp" >= DATE_ADD('DAY', -32, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
      AND d."timestamp" < CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
  ) AS numbered
  WHERE
    numbered.nth = 1
), told AS (
  SELECT
    lot_id,
    agent_id,
    "timestamp" AS at,
    event_type
  FROM unique_events
  WHERE
    NOT agent_id IS NULL AND event_type <> 'ALERT'
), seen AS (
  SELECT
    lot_id,
    agent_id,
    SUM(
      CASE
        WHEN event_type = 'BIRTH'
        AND at >= DATE_ADD('DAY', -1, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
        THEN 1
        ELSE 0
      END
    ) AS starts,
    MAX(CASE WHEN event_type <> 'AGENT_SILENT' THEN at END) AS last_record
  FROM told
  GROUP BY
    lot_id,
    agent_id
), marks AS (
  SELECT
    lot_id,
    agent_id,
    event_type,
    at,
    LEAD(at) OVER (PARTITION BY lot_id, agent_id ORDER BY at, event_type) AS then_at
  FROM told
  WHERE
    event_type IN ('AGENT_SILENT', 'AGENT_HEARD')
), silent AS (
  SELECT
    lot_id,
    agent_id,
    SUM(
      DATE_DIFF(
        'MILLISECOND',
        GREATEST(at, DATE_ADD('DAY', -1, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))),
        LEAST(
          COALESCE(then_at, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
          CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
        )
      )
    ) AS silent_ms
  FROM marks
  WHERE
    event_type = 'AGENT_SILENT'
    AND COALESCE(then_at, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)) > DATE_ADD('DAY', -1, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
  GROUP BY
    lot_id,
    agent_id
)
SELECT
  s.lot_id,
  s.agent_id,
  s.starts,
  s.last_record,
  COALESCE(q.silent_ms, 0) / 1000.0E0 AS silent_s,
  1.0E0 - CAST(COALESCE(q.silent_ms, 0) AS DOUBLE) / NULLIF(
    DATE_DIFF(
      'MILLISECOND',
      DATE_ADD('DAY', -1, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
      CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
    ),
    0
  ) AS availability
FROM seen AS s
LEFT JOIN silent AS q
  ON q.lot_id = s.lot_id AND q.agent_id = s.agent_id
ORDER BY
  s.lot_id,
  s.agent_id
