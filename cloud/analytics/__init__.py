"""Named queries over the lake, in Athena's dialect; on a laptop DuckDB runs the same text.

One query is one `.sql` and one `.yml` beside it (what it says, its columns with units, how far it
looks back). A name that begins with `_` is a part that others read like a table:

    parking_data      the lake's rows, as they lie there
    unique_events     each event once, of the hours that matter
    spot_spans        each spot's statuses, one behind the other, from before the period on
    spot_segments     the same, cut to the period
    hours             the period's quarters of an hour
    quarters          spot-seconds by quarter of an hour and status

`:begin` and `:end` are the period's ends, `:since` the begin less what the query looks back, and
`local_time(x)` is x, which is UTC, on the clock of the lots' time zone.
"""
