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
          DATE_ADD('DAY', -45, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
          '%Y%m%d'
        ) AND DATE_FORMAT(CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP), '%Y%m%d')
      )
      AND d."timestamp" >= DATE_ADD('DAY', -45, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
      AND d."timestamp" < CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
  ) AS numbered
  WHERE
    numbered.nth = 1
), spot_spans AS (
  WITH said AS (
    SELECT
      lot_id,
      spot_id,
      zone_id,
      agent_id,
      "timestamp" AS at,
      COALESCE(seq, 0) AS seq,
      event_id,
      status AS own,
      CAST(NULL AS BOOLEAN) AS silent,
      CASE event_type WHEN 'SPOT_CLOSED' THEN TRUE WHEN 'SPOT_OPENED' THEN FALSE END AS shut
    FROM unique_events
    WHERE
      NOT spot_id IS NULL
      AND (
        NOT status IS NULL OR event_type IN ('SPOT_CLOSED', 'SPOT_OPENED')
      )
  ), watched AS (
    SELECT DISTINCT
      lot_id,
      spot_id,
      zone_id,
      agent_id
    FROM said
    WHERE
      NOT agent_id IS NULL
  ), heard AS (
    SELECT
      w.lot_id,
      w.spot_id,
      w.zone_id,
      w.agent_id,
      e."timestamp" AS at,
      0 AS seq,
      e.event_id,
      CAST(NULL AS VARCHAR) AS own,
      e.event_type = 'AGENT_SILENT' AS silent,
      CAST(NULL AS BOOLEAN) AS shut
    FROM unique_events AS e
    JOIN watched AS w
      ON w.lot_id = e.lot_id AND w.agent_id = e.agent_id
    WHERE
      e.event_type IN ('AGENT_SILENT', 'AGENT_HEARD')
  ), begun AS (
    SELECT
      lot_id,
      spot_id,
      MAX(zone_id) AS zone_id,
      CAST(NULL AS VARCHAR) AS agent_id,
      DATE_ADD('DAY', -45, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)) AS at,
      -1 AS seq,
      '' AS event_id,
      CAST(NULL AS VARCHAR) AS own,
      CAST(NULL AS BOOLEAN) AS silent,
      CAST(NULL AS BOOLEAN) AS shut
    FROM said
    GROUP BY
      lot_id,
      spot_id
  ), told AS (
    SELECT
      *
    FROM begun
    UNION ALL
    SELECT
      *
    FROM said
    UNION ALL
    SELECT
      *
    FROM heard
  ), carried AS (
    SELECT
      lot_id,
      spot_id,
      zone_id,
      at,
      seq,
      event_id,
      LAST_VALUE(own) IGNORE NULLS OVER w AS own,
      LAST_VALUE(silent) IGNORE NULLS OVER w AS silent,
      LAST_VALUE(shut) IGNORE NULLS OVER w AS shut
    FROM told
    WINDOW w AS (
      PARTITION BY lot_id, spot_id
      ORDER BY at, seq, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  ), shown AS (
    SELECT
      lot_id,
      spot_id,
      zone_id,
      at,
      seq,
      event_id,
      CASE
        WHEN shut
        THEN 'closed'
        WHEN silent
        THEN 'unknown'
        ELSE COALESCE(own, 'unknown')
      END AS status
    FROM carried
  ), last_of_moment AS (
    SELECT
      *,
      LEAD(at) OVER (PARTITION BY lot_id, spot_id ORDER BY at, seq, event_id) AS then_at
    FROM shown
  ), lasting AS (
    SELECT
      *,
      LAG(status) OVER (PARTITION BY lot_id, spot_id ORDER BY at, seq, event_id) AS before
    FROM last_of_moment
    WHERE
      then_at IS NULL OR then_at > at
  )
  SELECT
    lot_id,
    spot_id,
    zone_id,
    status,
    at AS begins,
    LEAD(at) OVER (PARTITION BY lot_id, spot_id ORDER BY at) AS ends,
    before AS status_before,
    LEAD(status) OVER (PARTITION BY lot_id, spot_id ORDER BY at) AS status_after
  FROM lasting
  WHERE
    before IS NULL OR before <> status
), spot_segments AS (
  SELECT
    lot_id,
    spot_id,
    zone_id,
    status,
    GREATEST(
      begins,
      DATE_ADD('DAY', -31, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
    ) AS begins,
    LEAST(
      COALESCE(ends, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
      CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
    ) AS ends
  FROM spot_spans
  WHERE
    COALESCE(ends, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)) > DATE_ADD('DAY', -31, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
), hours AS (
  SELECT
    q AS quarter,
    q + INTERVAL '15' MINUTE AS quarter_ends,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(q, 'UTC'), '${time_zone}') AS TIMESTAMP) AS local
  FROM UNNEST(SEQUENCE(
    DATE_TRUNC(
      'HOUR',
      DATE_ADD('DAY', -31, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
    ),
    CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP) - INTERVAL '1' SECOND,
    INTERVAL '15' MINUTE
  )) AS t(q)
), days AS (
  SELECT
    CAST(local AS DATE) AS day,
    MIN(quarter) AS day_begins,
    MAX(quarter_ends) AS day_ends
  FROM hours
  GROUP BY
    CAST(local AS DATE)
), day_segments AS (
  SELECT
    s.lot_id,
    s.spot_id,
    s.zone_id,
    d.day,
    s.status,
    DATE_DIFF('MILLISECOND', GREATEST(s.begins, d.day_begins), LEAST(s.ends, d.day_ends)) AS ms
  FROM spot_segments AS s
  JOIN days AS d
    ON s.begins < d.day_ends AND s.ends > d.day_begins
), daily AS (
  SELECT
    lot_id,
    day,
    SUM(CASE WHEN status = 'occupied' THEN ms ELSE 0 END) AS occupied_ms,
    SUM(CASE WHEN status IN ('occupied', 'vacant') THEN ms ELSE 0 END) AS covered_ms,
    SUM(CASE WHEN status <> 'closed' THEN ms ELSE 0 END) AS open_ms
  FROM day_segments
  GROUP BY
    lot_id,
    day
), arrived AS (
  SELECT
    lot_id,
    CAST(CAST(AT_TIMEZONE(WITH_TIMEZONE(begins, 'UTC'), '${time_zone}') AS TIMESTAMP) AS DATE) AS day,
    COUNT(*) AS arrivals
  FROM spot_spans
  WHERE
    status = 'occupied'
    AND status_before = 'vacant'
    AND begins >= DATE_ADD('DAY', -31, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
    AND begins < CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
  GROUP BY
    lot_id,
    CAST(CAST(AT_TIMEZONE(WITH_TIMEZONE(begins, 'UTC'), '${time_zone}') AS TIMESTAMP) AS DATE)
)
SELECT
  d.lot_id,
  d.day,
  COALESCE(a.arrivals, 0) AS arrivals,
  CASE
    WHEN 2 * d.covered_ms >= d.open_ms
    THEN CAST(d.occupied_ms AS DOUBLE) / NULLIF(d.covered_ms, 0)
  END AS occupancy,
  CAST(d.covered_ms AS DOUBLE) / NULLIF(d.open_ms, 0) AS coverage
FROM daily AS d
LEFT JOIN arrived AS a
  ON a.lot_id = d.lot_id AND a.day = d.day
ORDER BY
  d.lot_id,
  d.day
