# The functions of cloud/lambdas.py, of one container image: with pyarrow and DuckDB the packages are
# larger than the 250 MB that a zip file may unpack to.
#
# Their configuration depends on what this makes (the database's name, the bucket's), so it is no part
# of the image: it is rendered from cloud.toml.tftpl, handed over in the environment (encrypted with
# our key, 4 KB at most), and written to the file that LOTKEEPER_CLOUD_CONFIG names before AWS's own
# entry point starts.
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
data "aws_partition" "this" {}
data "aws_caller_identity" "this" {}

locals {
  region  = data.aws_region.this.id
  account = data.aws_caller_identity.this.account_id
  prefix  = "arn:${data.aws_partition.this.partition}"

  config = templatefile("${path.module}/cloud.toml.tftpl", {
    dsn       = var.dsn
    keep_days = var.keep_days
    region    = local.region
    lake_url  = "s3://${var.lake_bucket}?region=${local.region}"
    time_zone = var.time_zone
    database  = var.glue_database
    workgroup = var.workgroup
    # JSON's ":" is TOML's "=" in an inline table.
    sink = format("{ %s }", join(", ", [
      for key, value in(var.msk == null ? local.kinesis_sink : local.kafka_sink) : "${key} = ${jsonencode(value)}"
    ]))
  })
  kinesis_sink = { kind = "kinesis", region = local.region, stream_name = coalesce(var.stream_name, "none") }
  kafka_sink = {
    kind              = "kafka"
    region            = local.region
    security          = "msk_iam"
    topic             = var.topic
    bootstrap_servers = try(var.msk.bootstrap_servers, "")
  }

  every = {
    kinesis_present = { handler = "cloud.lambdas.kinesis_present", timeout = var.timeout_s, memory = var.memory_mb, concurrency = var.concurrency }
    kinesis_lake    = { handler = "cloud.lambdas.kinesis_lake", timeout = var.timeout_s, memory = var.memory_mb, concurrency = var.concurrency }
    msk_present     = { handler = "cloud.lambdas.msk_present", timeout = var.timeout_s, memory = var.memory_mb, concurrency = var.concurrency }
    msk_lake        = { handler = "cloud.lambdas.msk_lake", timeout = var.timeout_s, memory = var.memory_mb, concurrency = var.concurrency }
    door            = { handler = "cloud.lambdas.door", timeout = var.timeout_s, memory = var.memory_mb, concurrency = var.concurrency }
    # It waits for a dozen queries, one after the other; two at once would write the same objects.
    analyse = { handler = "cloud.lambdas.analyse", timeout = 900, memory = var.memory_mb, concurrency = 1 }
    # Two at once would remove each other's objects. An hour's rows are in memory, all of them.
    compact = { handler = "cloud.lambdas.compact", timeout = 900, memory = max(1024, var.memory_mb), concurrency = 1 }
    retain  = { handler = "cloud.lambdas.retain", timeout = 900, memory = var.memory_mb, concurrency = 1 }
  }
  of_kinesis = var.lake_by_function ? ["kinesis_present", "kinesis_lake"] : ["kinesis_present"]
  readers    = var.msk == null ? local.of_kinesis : ["msk_present", "msk_lake"]
  wanted     = concat(local.readers, ["door", "analyse", "compact", "retain"])
  functions  = { for key, each in local.every : key => each if contains(local.wanted, key) }

  topic_arn = try("${replace(var.msk.cluster_arn, ":cluster/", ":topic/")}/${var.topic}", "")
  group_arn = try("${replace(var.msk.cluster_arn, ":cluster/", ":group/")}/*", "")
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:for finding faults; what happened is kept in the lake
  for_each          = local.functions
  name              = "/aws/lambda/${var.name}-${replace(each.key, "_", "-")}"
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_50:a record carries its own times, and metrics tell its age
  # checkov:skip=CKV_AWS_116:batches that expired go to a queue of theirs; what a schedule runs it runs again
  # checkov:skip=CKV_AWS_272:for zip files alone; an image is named by its digest
  for_each                       = local.functions
  function_name                  = "${var.name}-${replace(each.key, "_", "-")}"
  role                           = aws_iam_role.this[each.key].arn
  package_type                   = "Image"
  image_uri                      = var.image_uri
  architectures                  = ["x86_64"]
  memory_size                    = each.value.memory
  timeout                        = each.value.timeout
  reserved_concurrent_executions = each.value.concurrency
  kms_key_arn                    = var.kms_key_arn

  image_config {
    # The tokens' file has to be its user's alone: the umask.
    entry_point = ["/bin/sh", "-c", join(" && ", [
      "umask 077",
      "printf %s \"$LOTKEEPER_CLOUD_TOML\" > \"$LOTKEEPER_CLOUD_CONFIG\"",
      "printf %s \"$LOTKEEPER_DOOR_TOKENS\" > /tmp/door-tokens",
      "exec /lambda-entrypoint.sh ${each.value.handler}",
    ])]
  }
  environment {
    variables = {
      LOTKEEPER_CLOUD_CONFIG = "/tmp/cloud.toml"
      LOTKEEPER_CLOUD_TOML   = local.config
      LOTKEEPER_DOOR_TOKENS  = each.key == "door" ? var.door_tokens : ""
    }
  }
  vpc_config {
    subnet_ids         = var.subnets
    security_group_ids = [var.security_group]
  }
  logging_config {
    log_format = "Text" # the embedded metrics are lines of their own
    log_group  = aws_cloudwatch_log_group.this[each.key].name
  }
  depends_on = [aws_iam_role_policy.base]
}

# What came to be too old to be offered again: which shard and which numbers, not the records.
resource "aws_sqs_queue" "expired" {
  name                      = "${var.name}-expired-batches"
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600
}

resource "aws_lambda_event_source_mapping" "kinesis" {
  for_each                           = toset(var.msk == null ? local.of_kinesis : [])
  event_source_arn                   = var.stream_arn
  function_name                      = aws_lambda_function.this[each.key].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = each.key == "kinesis_lake" ? 10000 : 500
  maximum_batching_window_in_seconds = each.key == "kinesis_lake" ? 300 : 2
  function_response_types            = ["ReportBatchItemFailures"]
  # A database or a bucket that is away is waited for, as long as the stream keeps records.
  maximum_retry_attempts        = -1
  maximum_record_age_in_seconds = -1
  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.expired.arn
    }
  }
  depends_on = [aws_iam_role_policy.own] # AWS refuses one whose function may not read
}

resource "aws_lambda_event_source_mapping" "msk" {
  for_each                           = toset(var.msk == null ? [] : ["msk_present", "msk_lake"])
  event_source_arn                   = var.msk.cluster_arn
  function_name                      = aws_lambda_function.this[each.key].arn
  topics                             = [var.topic]
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = each.key == "msk_lake" ? 10000 : 500
  maximum_batching_window_in_seconds = each.key == "msk_lake" ? 300 : 2
  amazon_managed_kafka_event_source_config {
    consumer_group_id = "lotkeeper-${replace(each.key, "msk_", "")}"
  }
  depends_on = [aws_iam_role_policy.own] # AWS refuses one whose function may not read
}
