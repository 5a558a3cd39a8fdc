"""The past: a lake of Parquet objects by the hour, on a disk or in a bucket.

    parking-data/year=2024/month=03/day=20/hour=10/{stream}-{partition}-{place}-{count}.parquet
    raw/realtime/year=.../....json.gz       the same as lines, for tables that read only these
    raw/historical/...                      files as they came, for the backfill
    processed/historical/year=.../...       what the backfill made of them
    dead-letters/{stream}-{partition}-{place}-{count}.jsonl

Hours are of UTC and of the record's own time: what comes late stands where it belongs. An object
is named by the first record that waited when it was made and by how many did, so that the same
records again are the same object, and a consumer that was taken over for never writes over others.
"""
