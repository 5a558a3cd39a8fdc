# What each function may do, and no more. "*" stands only for the network interfaces of a function in a
# VPC, which are not known before, and for what takes no resource: describing a VPC, and asking for
# brokers, for MSK's poller.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each           = local.functions
  name               = "${var.name}-${replace(each.key, "_", "-")}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "base" {
  # checkov:skip=CKV_AWS_111:a function's network interfaces are not known before they are made
  # checkov:skip=CKV_AWS_356:a function's network interfaces are not known before they are made
  for_each = local.functions
  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this[each.key].arn}:*"]
  }
  statement {
    sid = "Interfaces"
    actions = [
      "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
      "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses", "ec2:DescribeSubnets",
    ]
    resources = ["*"]
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
  }
}

resource "aws_iam_role_policy" "base" {
  for_each = local.functions
  name     = "base"
  role     = aws_iam_role.this[each.key].id
  policy   = data.aws_iam_policy_document.base[each.key].json
}

data "aws_iam_policy_document" "own" {
  for_each = local.functions

  dynamic "statement" {
    for_each = endswith(each.key, "_present") || each.key == "retain" ? [1] : []
    content {
      sid       = "Postgres"
      actions   = ["rds-db:connect"]
      resources = [var.database_user_arn]
    }
  }
  dynamic "statement" {
    for_each = startswith(each.key, "kinesis_") ? [1] : []
    content {
      sid = "ReadStream"
      actions = [
        "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary", "kinesis:ListShards",
      ]
      resources = [var.stream_arn]
    }
  }
  dynamic "statement" {
    for_each = startswith(each.key, "kinesis_") ? [1] : []
    content {
      sid       = "Expired"
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.expired.arn]
    }
  }
  dynamic "statement" {
    for_each = startswith(each.key, "msk_") ? [1] : []
    content {
      sid = "ReadTopic"
      actions = [
        "kafka-cluster:Connect", "kafka-cluster:DescribeTopic", "kafka-cluster:ReadData",
        "kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup",
        "kafka-cluster:DescribeClusterDynamicConfiguration",
        "kafka:DescribeCluster", "kafka:DescribeClusterV2",
      ]
      resources = [var.msk.cluster_arn, local.topic_arn, local.group_arn]
    }
  }
  dynamic "statement" {
    for_each = startswith(each.key, "msk_") ? [1] : []
    content {
      sid       = "FindBrokers"
      actions   = ["ec2:DescribeVpcs", "ec2:DescribeSecurityGroups", "kafka:GetBootstrapBrokers"]
      resources = ["*"]
    }
  }
  dynamic "statement" {
    for_each = endswith(each.key, "_lake") ? [1] : []
    content {
      sid     = "WriteLake"
      actions = ["s3:PutObject", "s3:AbortMultipartUpload"]
      resources = [
        "${var.lake_arn}/parking-data/*", "${var.lake_arn}/raw/realtime/*", "${var.lake_arn}/dead-letters/*",
      ]
    }
  }
  dynamic "statement" {
    for_each = each.key == "compact" ? [1] : []
    content {
      sid       = "ListLake"
      actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
      resources = [var.lake_arn]
    }
  }
  dynamic "statement" {
    for_each = each.key == "compact" ? [1] : []
    content {
      sid       = "ReplaceObjects"
      actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]
      resources = ["${var.lake_arn}/parking-data/*"]
    }
  }
  dynamic "statement" {
    for_each = each.key == "door" && var.msk == null ? [1] : []
    content {
      sid       = "WriteStream"
      actions   = ["kinesis:PutRecords", "kinesis:PutRecord"]
      resources = [var.stream_arn]
    }
  }
  dynamic "statement" {
    for_each = each.key == "door" && var.msk != null ? [1] : []
    content {
      sid = "WriteTopic"
      actions = [
        "kafka-cluster:Connect", "kafka-cluster:DescribeTopic", "kafka-cluster:WriteData",
        "kafka-cluster:WriteDataIdempotently",
      ]
      resources = [var.msk.cluster_arn, local.topic_arn]
    }
  }
  dynamic "statement" {
    for_each = each.key == "analyse" ? [1] : []
    content {
      sid       = "Ask"
      actions   = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"]
      resources = ["${local.prefix}:athena:${local.region}:${local.account}:workgroup/${var.workgroup}"]
    }
  }
  dynamic "statement" {
    for_each = each.key == "analyse" ? [1] : []
    content {
      sid     = "Catalogue"
      actions = ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"]
      resources = [
        "${local.prefix}:glue:${local.region}:${local.account}:catalog",
        "${local.prefix}:glue:${local.region}:${local.account}:database/${var.glue_database}",
        "${local.prefix}:glue:${local.region}:${local.account}:table/${var.glue_database}/*",
      ]
    }
  }
  dynamic "statement" {
    for_each = each.key == "analyse" ? [1] : []
    content {
      sid       = "Buckets"
      actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
      resources = [var.lake_arn, var.results_arn]
    }
  }
  dynamic "statement" {
    for_each = each.key == "analyse" ? [1] : []
    content {
      sid       = "ReadLake"
      actions   = ["s3:GetObject"]
      resources = ["${var.lake_arn}/parking-data/*"]
    }
  }
  dynamic "statement" {
    for_each = each.key == "analyse" ? [1] : []
    content {
      sid       = "KeepResults"
      actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
      resources = ["${var.results_arn}/athena/*", "${var.lake_arn}/processed/analytics/*"]
    }
  }
}

resource "aws_iam_role_policy" "own" {
  for_each = local.functions
  name     = "own"
  role     = aws_iam_role.this[each.key].id
  policy   = data.aws_iam_policy_document.own[each.key].json
}
