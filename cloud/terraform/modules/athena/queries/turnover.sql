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
          DATE_ADD('DAY', -38, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
          '%Y%m%d'
        ) AND DATE_FORMAT(CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP), '%Y%m%d')
      )
      AND d."timestamp" >= DATE_ADD('DAY', -38, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
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
      DATE_ADD('DAY', -38, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)) AS at,
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
      DATE_ADD('DAY', -7, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
    ) AS begins,
    LEAST(
      COALESCE(ends, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
      CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
    ) AS ends
  FROM spot_spans
  WHERE
    COALESCE(ends, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)) > DATE_ADD('DAY', -7, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
), covered AS (
  SELECT
    lot_id,
    SUM(
      CASE
        WHEN status IN ('occupied', 'vacant')
        THEN DATE_DIFF('MILLISECOND', begins, ends)
        ELSE 0
      END
    ) / 3600000.0E0 AS bay_hours
  FROM spot_segments
  GROUP BY
    lot_id
), arrived AS (
  SELECT
    lot_id,
    COUNT(*) AS arrivals
  FROM spot_spans
  WHERE
    status = 'occupied'
    AND status_before = 'vacant'
    AND begins >= DATE_ADD('DAY', -7, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
    AND begins < CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
  GROUP BY
    lot_id
), ended AS (
  SELECT
    lot_id,
    DATE_DIFF('MILLISECOND', begins, ends) AS stay_ms,
    ROW_NUMBER() OVER (PARTITION BY lot_id ORDER BY DATE_DIFF('MILLISECOND', begins, ends)) AS nth,
    COUNT(*) OVER (PARTITION BY lot_id) AS stays
  FROM spot_spans
  WHERE
    status = 'occupied'
    AND status_before = 'vacant'
    AND status_after = 'vacant'
    AND ends >= DATE_ADD('DAY', -7, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
    AND ends < CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
), dwelt AS (
  SELECT
    lot_id,
    MAX(stays) AS stays,
    AVG(stay_ms) / 1000.0E0 AS average_dwell_s,
    AVG(CASE WHEN 2 * nth BETWEEN stays AND stays + 2 THEN stay_ms END) / 1000.0E0 AS median_dwell_s,
    MIN(CASE WHEN nth >= 0.95E0 * stays THEN stay_ms END) / 1000.0E0 AS p95_dwell_s
  FROM ended
  GROUP BY
    lot_id
)
SELECT
  c.lot_id,
  COALESCE(a.arrivals, 0) AS arrivals,
  COALESCE(a.arrivals, 0) / NULLIF(c.bay_hours, 0.0E0) AS per_bay_hour,
  COALESCE(d.stays, 0) AS stays,
  d.average_dwell_s,
  d.median_dwell_s,
  d.p95_dwell_s
FROM covered AS c
LEFT JOIN arrived AS a
  ON a.lot_id = c.lot_id
LEFT JOIN dwelt AS d
  ON d.lot_id = c.lot_id
ORDER BY
  c.lot_id
