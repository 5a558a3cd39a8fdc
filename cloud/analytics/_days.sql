-- The lots' own days of the period; one on which clocks change has 23 or 25 hours.
SELECT CAST(local AS date) AS day, min(quarter) AS day_begins, max(quarter_ends) AS day_ends
FROM hours
GROUP BY CAST(local AS date)
