# A dashboard, and alarms that a person is told of. Metrics of our own are cloud/emf.py's.
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

locals {
  region = data.aws_region.this.id

  # Each: metric, and when it is an alarm. "missing" is what no data says.
  errors = { for key, function in var.functions : "errors-${key}" => {
    says       = "The function ${function} failed.", namespace = "AWS/Lambda", metric = "Errors", statistic = "Sum"
    dimensions = { FunctionName = function }, period = 300, times = 2, above = 0, missing = "notBreaching"
  } }
  by_firehose = var.firehose_name != null
  streams = var.stream_name == null ? {} : {
    lag = {
      says       = "The present is behind: is the database away?", namespace = "AWS/Lambda", metric = "IteratorAge", statistic = "Maximum"
      dimensions = { FunctionName = var.functions["kinesis_present"] }, period = 60, times = 5, above = var.lag_minutes * 60000, missing = "notBreaching"
    }
    lake-lag = {
      says       = "The lake is behind."
      namespace  = local.by_firehose ? "AWS/Firehose" : "AWS/Lambda"
      metric     = local.by_firehose ? "DeliveryToS3.DataFreshness" : "IteratorAge"
      statistic  = "Maximum"
      dimensions = local.by_firehose ? tomap({ DeliveryStreamName = var.firehose_name }) : tomap({ FunctionName = lookup(var.functions, "kinesis_lake", "none") })
      period     = 300, times = 3, above = local.by_firehose ? 1800 : 1800000, missing = "notBreaching"
    }
    throttled = {
      says       = "Writers are throttled: add a shard.", namespace = "AWS/Kinesis", metric = "WriteProvisionedThroughputExceeded", statistic = "Sum"
      dimensions = { StreamName = var.stream_name }, period = 300, times = 3, above = 0, missing = "notBreaching"
    }
  }
  groups = { for group in var.cluster_name == null ? [] : ["present", "lake"] : "lag-${group}" => {
    says       = "The consumer group lotkeeper-${group} is behind.", namespace = "AWS/Kafka", metric = "SumOffsetLag", statistic = "Maximum"
    dimensions = { "Cluster Name" = var.cluster_name, "Consumer Group" = "lotkeeper-${group}", Topic = var.topic }
    period     = 60, times = 10, above = var.lag_records, missing = "notBreaching"
  } }
  disks = { for id in range(1, var.cluster_name == null ? 1 : var.brokers + 1) : "broker-disk-${id}" => {
    says       = "The disk of broker ${id} fills.", namespace = "AWS/Kafka", metric = "KafkaDataLogsDiskUsed", statistic = "Maximum"
    dimensions = { "Cluster Name" = coalesce(var.cluster_name, "none"), "Broker ID" = tostring(id) }
    period     = 300, times = 3, above = 80, missing = "notBreaching"
  } }
  # A gateway beats every minute, also where no vehicle moves. Of a lot that has none, name it not.
  silent = { for lot in var.lots : "silent-${lot}" => {
    says       = "Nothing was heard of the lot ${lot}: is its gateway away?", namespace = "Lotkeeper", metric = "Heartbeats", statistic = "Sum"
    dimensions = { Part = "present", Lot = lot }, period = 300, times = ceil(var.silent_minutes / 5), above = null, missing = "breaching"
  } }
  rest = {
    dead-letters = {
      says       = "Records were refused: see the table dead_letters.", namespace = "Lotkeeper", metric = "DeadLetters", statistic = "Sum"
      dimensions = { Part = "present" }, period = 300, times = 1, above = 0, missing = "notBreaching"
    }
    expired = {
      says       = "Batches came to be too old; the stream will lose them.", namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
      dimensions = { QueueName = var.expired_queue }, period = 300, times = 1, above = 0, missing = "notBreaching"
    }
    lake-size = {
      says       = "The lake is larger than was thought.", namespace = "AWS/S3", metric = "BucketSizeBytes", statistic = "Average"
      dimensions = { BucketName = var.lake_bucket, StorageType = "StandardStorage" }
      period     = 86400, times = 1, above = var.lake_gb * 1000000000, missing = "notBreaching"
    }
    failed-queries = {
      says       = "A query of Athena's failed.", namespace = "AWS/Athena", metric = "TotalExecutionTime", statistic = "SampleCount"
      dimensions = { WorkGroup = var.workgroup, QueryState = "FAILED", QueryType = "DML" }
      period     = 300, times = 1, above = 0, missing = "notBreaching"
    }
    database-cpu = {
      says       = "Postgres is busy.", namespace = "AWS/RDS", metric = "CPUUtilization", statistic = "Average"
      dimensions = { DBInstanceIdentifier = var.database }, period = 300, times = 3, above = 80, missing = "breaching"
    }
  }
  alarms = merge(local.errors, local.streams, local.groups, local.disks, local.silent, local.rest)
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.times
  comparison_operator = each.value.above == null ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = each.value.above == null ? 1 : each.value.above
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "database_storage" {
  alarm_name          = "${var.name}-database-storage"
  alarm_description   = "Postgres has little room left."
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  dimensions          = { DBInstanceIdentifier = var.database }
  statistic           = "Minimum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "LessThanThreshold"
  threshold           = 2000000000
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

locals {
  # title -> [metrics, statistic]
  widgets = merge({
    "Lambda: calls, errors"   = [flatten([for each in values(var.functions) : [["AWS/Lambda", "Invocations", "FunctionName", each], ["AWS/Lambda", "Errors", "FunctionName", each]]]), "Sum"]
    "Lambda: duration, ms"    = [[for each in values(var.functions) : ["AWS/Lambda", "Duration", "FunctionName", each]], "p95"]
    "Records by lot"          = [[for lot in var.lots : ["Lotkeeper", "Records", "Part", "present", "Lot", lot]], "Sum"]
    "Age of the newest, s"    = [[for lot in var.lots : ["Lotkeeper", "AgeSeconds", "Part", "present", "Lot", lot]], "Maximum"]
    "S3: bytes of the lake"   = [[["AWS/S3", "BucketSizeBytes", "BucketName", var.lake_bucket, "StorageType", "StandardStorage", { period = 86400 }]], "Average"]
    "Athena: bytes read"      = [[["AWS/Athena", "ProcessedBytes", "WorkGroup", var.workgroup, "QueryState", "SUCCEEDED", "QueryType", "DML"]], "Sum"]
    "Athena: queries failed"  = [[["AWS/Athena", "TotalExecutionTime", "WorkGroup", var.workgroup, "QueryState", "FAILED", "QueryType", "DML"]], "SampleCount"]
    "RDS: CPU %, connections" = [[for metric in ["CPUUtilization", "DatabaseConnections"] : ["AWS/RDS", metric, "DBInstanceIdentifier", var.database]], "Average"]
    },
    var.stream_name == null ? {} : {
      "Kinesis: records in" = [[["AWS/Kinesis", "IncomingRecords", "StreamName", var.stream_name]], "Sum"]
      "Kinesis: lag, ms"    = [[["AWS/Lambda", "IteratorAge", "FunctionName", var.functions["kinesis_present"]]], "Maximum"]
    },
    var.cluster_name == null ? {} : {
      "MSK: lag, records" = [[for group in ["present", "lake"] : ["AWS/Kafka", "SumOffsetLag", "Cluster Name", var.cluster_name, "Consumer Group", "lotkeeper-${group}", "Topic", var.topic]], "Maximum"]
      "MSK: disk %"       = [[for id in range(1, var.brokers + 1) : ["AWS/Kafka", "KafkaDataLogsDiskUsed", "Cluster Name", var.cluster_name, "Broker ID", tostring(id)]], "Maximum"]
    },
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for title in sort(keys(local.widgets)) : {
      type   = "metric"
      width  = 12
      height = 6
      properties = {
        title   = title, region = local.region, view = "timeSeries", period = 300
        metrics = local.widgets[title][0], stat = local.widgets[title][1]
      }
    } if length(local.widgets[title][0]) > 0]
  })
}
