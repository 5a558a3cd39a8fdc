-- The period in quarters of an hour: every time zone's hours begin with one of them.
SELECT q AS quarter, q + INTERVAL '15' MINUTE AS quarter_ends, local_time(q) AS local
FROM unnest(sequence(date_trunc('hour', :begin), :end - INTERVAL '1' SECOND, INTERVAL '15' MINUTE)) AS t (q)
