"""Old files into the lake: what they say, made whole, and what was dropped of them, and why.

    raw/historical/{source}/{sha256}.csv                             the file as it came
    processed/historical/events/year=/month=/day=/hour=/...parquet   stays: ARRIVAL and DEPARTURE
    processed/historical/occupancy/year=/month=/...parquet           counts: lot_id, timestamp, ...
    processed/historical/quarantine/{source}-{sha}.parquet           line, reason, row as it came
    processed/historical/reports/{source}-{sha}.json                 written last: the run was whole

Objects are named by the file's own digest and hold no time of the run: a second one writes the same
bytes over the same objects. One SQL text a source judges the rows, in words that DuckDB and Spark
read alike: `\\z`, as Java's `$` matches before a last line break too; hours spelled out, as DuckDB
takes 24:00:00 for a time. Local times become UTC by a table of the zone's offsets, as engines
disagree on the hours that a change of the clock repeats or leaves out.
"""
