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
          DATE_ADD('DAY', -31, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)),
          '%Y%m%d'
        ) AND DATE_FORMAT(CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP), '%Y%m%d')
      )
      AND d."timestamp" >= DATE_ADD('DAY', -31, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
      AND d."timestamp" < CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP)
  ) AS numbered
  WHERE
    numbered.nth = 1
)
SELECT
  lot_id,
  CAST(CAST(AT_TIMEZONE(WITH_TIMEZONE("timestamp", 'UTC'), '${time_zone}') AS TIMESTAMP) AS DATE) AS day,
  currency,
  COUNT(*) AS tickets,
  SUM(CASE WHEN state = 'paid' THEN 1 ELSE 0 END) AS paid,
  SUM(CASE WHEN state = 'lost' THEN 1 ELSE 0 END) AS lost,
  SUM(CASE WHEN state = 'waived' THEN 1 ELSE 0 END) AS waived,
  SUM(amount_minor) AS amount_minor
FROM unique_events
WHERE
  event_type = 'TICKET_CLOSED'
  AND "timestamp" >= DATE_ADD('DAY', -31, CAST(AT_TIMEZONE(CURRENT_TIMESTAMP, 'UTC') AS TIMESTAMP))
GROUP BY
  lot_id,
  CAST(CAST(AT_TIMEZONE(WITH_TIMEZONE("timestamp", 'UTC'), '${time_zone}') AS TIMESTAMP) AS DATE),
  currency
ORDER BY
  lot_id,
  CAST(CAST(AT_TIMEZONE(WITH_TIMEZONE("timestamp", 'UTC'), '${time_zone}') AS TIMESTAMP) AS DATE),
  currency
