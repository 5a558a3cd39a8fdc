SELECT lot_id, CAST(local_time("timestamp") AS date) AS day, currency,
    count(*) AS tickets,
    sum(CASE WHEN state = 'paid' THEN 1 ELSE 0 END) AS paid,
    sum(CASE WHEN state = 'lost' THEN 1 ELSE 0 END) AS lost,
    sum(CASE WHEN state = 'waived' THEN 1 ELSE 0 END) AS waived,
    sum(amount_minor) AS amount_minor
FROM unique_events
WHERE event_type = 'TICKET_CLOSED' AND "timestamp" >= :begin
GROUP BY lot_id, CAST(local_time("timestamp") AS date), currency
ORDER BY lot_id, CAST(local_time("timestamp") AS date), currency
