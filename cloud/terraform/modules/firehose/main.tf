# Kinesis into the lake, as Parquet by the hour of the record's own time. On MSK the function msk_lake
# does this in its place.
#
# What it does not do, and msk_lake does: check records, leave snapshots out, and say when a record was
# taken (taken_at is null here). A timestamp has to be UTC's, ending with Z, as gateways write it: what
# came to the front door otherwise goes to firehose-errors/. A record without an event_id, as older
# pipelines send them, is stored, but no query sees it.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

data "aws_region" "this" {}
data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  glue = "arn:${data.aws_partition.this.partition}:glue:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
  # "2024-03-20T10:00:00.000Z" -> year=2024/month=03/day=20/hour=10
  hour = "{year: .timestamp[0:4], month: .timestamp[5:7], day: .timestamp[8:10], hour: .timestamp[11:13]}"
  path = join("/", [for key in ["year", "month", "day", "hour"] : "${key}=!{partitionKeyFromQuery:${key}}"])
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "ReadStream"
    actions   = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
    resources = [var.stream_arn]
  }
  statement {
    sid       = "Bucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [var.lake_arn]
  }
  statement {
    sid       = "WriteLake"
    actions   = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
    resources = ["${var.lake_arn}/parking-data/*", "${var.lake_arn}/firehose-errors/*"]
  }
  statement {
    sid       = "Columns"
    actions   = ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"]
    resources = ["${local.glue}:catalog", "${local.glue}:database/${var.glue_database}", "${local.glue}:table/${var.glue_database}/${var.glue_table}"]
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
  }
  statement {
    sid       = "Logs"
    actions   = ["logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }
}

resource "aws_iam_role" "this" {
  name               = "${var.name}-firehose"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "this" {
  name   = "own"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:for finding faults; what happened is kept in the lake
  name              = "/aws/kinesisfirehose/${var.name}-lake"
  retention_in_days = 30
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_log_stream" "this" {
  name           = "lake"
  log_group_name = aws_cloudwatch_log_group.this.name
}

resource "aws_kinesis_firehose_delivery_stream" "lake" {
  name        = "${var.name}-lake"
  destination = "extended_s3"
  kinesis_source_configuration {
    kinesis_stream_arn = var.stream_arn
    role_arn           = aws_iam_role.this.arn
  }
  extended_s3_configuration {
    role_arn    = aws_iam_role.this.arn
    bucket_arn  = var.lake_arn
    kms_key_arn = var.kms_key_arn
    # A prefix that names no time of arrival may get folders of it appended; so this one does, within
    # the object's name.
    prefix              = "parking-data/${local.path}/!{timestamp:yyyyMMddHH}-"
    error_output_prefix = "firehose-errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    # Dynamic partitioning asks for 64 MB at least; the seconds come first in all but the largest.
    buffering_size     = 64
    buffering_interval = var.wait_s
    dynamic_partitioning_configuration {
      enabled = true
    }
    processing_configuration {
      enabled = true
      processors {
        type = "MetadataExtraction"
        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = local.hour
        }
        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
      }
    }
    data_format_conversion_configuration {
      enabled = true
      input_format_configuration {
        deserializer {
          hive_json_ser_de {
            timestamp_formats = ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'"]
          }
        }
      }
      output_format_configuration {
        serializer {
          parquet_ser_de {
            compression = "SNAPPY"
          }
        }
      }
      schema_configuration {
        role_arn      = aws_iam_role.this.arn
        database_name = var.glue_database
        table_name    = var.glue_table
      }
    }
    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.this.name
      log_stream_name = aws_cloudwatch_log_stream.this.name
    }
  }
  depends_on = [aws_iam_role_policy.this]
}
