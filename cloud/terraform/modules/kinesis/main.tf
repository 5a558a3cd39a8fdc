# The stream that gateways and the front door write to. A record's key is its spot: a shard keeps order.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

resource "aws_kinesis_stream" "events" {
  name             = "${var.name}-parking-events"
  retention_period = var.retention_hours
  # null: on demand. Cheaper by far for a few lots: one shard (1 MB/s in).
  shard_count     = var.shards
  encryption_type = "KMS"
  kms_key_id      = var.kms_key_arn
  shard_level_metrics = var.shards == null ? null : [
    "WriteProvisionedThroughputExceeded", "IteratorAgeMilliseconds",
  ]
  stream_mode_details {
    stream_mode = var.shards == null ? "ON_DEMAND" : "PROVISIONED"
  }
}

# What a gateway's role needs; attach it to whom a gateway speaks as.
data "aws_iam_policy_document" "write" {
  statement {
    actions   = ["kinesis:PutRecords", "kinesis:PutRecord", "kinesis:DescribeStreamSummary"]
    resources = [aws_kinesis_stream.events.arn]
  }
  statement {
    actions   = ["kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
  }
}

resource "aws_iam_policy" "write" {
  name        = "${var.name}-write-events"
  description = "Write parking events"
  policy      = data.aws_iam_policy_document.write.json
}
