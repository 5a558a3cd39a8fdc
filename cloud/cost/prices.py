"""AWS's list prices and billing units, in one place.

US dollars, region us-east-1, first tier of each, before taxes and free tiers. They were not fetched
from AWS: check them against the pages named before a budget is made of them.
"""

REGION = "us-east-1"
AS_OF = "2025"
"""The year whose list prices these are, as far as is known."""

HOURS = 730
DAYS = 30
"""Of a month, as AWS's calculators take hours, and for what is counted by events."""
KB = 1024
GB = 1024**3

# https://aws.amazon.com/kinesis/data-streams/pricing/
KINESIS_SHARD_HOUR = 0.015
KINESIS_PUT_UNIT = 0.014 / 1e6
KINESIS_PUT_UNIT_BYTES = 25 * KB
"""A record is billed as whole units of this."""
KINESIS_SHARD_RECORDS_S = 1000
KINESIS_SHARD_BYTES_S = 1024 * KB
"""What a shard takes in a second."""
ON_DEMAND_STREAM_HOUR = 0.04
ON_DEMAND_IN_GB = 0.08
ON_DEMAND_OUT_GB = 0.04
ON_DEMAND_ROUNDS_TO = KB
"""Each record that is written counts as whole KB; what is read counts as it is."""

# https://aws.amazon.com/msk/pricing/
MSK_SERVERLESS_HOUR = 0.75
MSK_SERVERLESS_PARTITION_HOUR = 0.0015
MSK_SERVERLESS_IN_GB = 0.10
MSK_SERVERLESS_OUT_GB = 0.05
MSK_STORAGE_GB = 0.10
MSK_T3_SMALL_HOUR = 0.0456
KAFKA_BATCH_HEADER = 61
"""Bytes before a batch's records (Kafka protocol, RecordBatch, magic 2)."""

# https://aws.amazon.com/firehose/pricing/
FIREHOSE_GB = 0.029
FIREHOSE_PARQUET_GB = 0.018
FIREHOSE_ROUNDS_TO = 5 * KB
"""Each record, by itself, also in one call with others."""

# https://aws.amazon.com/api-gateway/pricing/
HTTP_REQUEST = 1.00 / 1e6
HTTP_ROUNDS_TO = 512 * KB

# https://aws.amazon.com/s3/pricing/
S3_PUT = 0.005 / 1e3
