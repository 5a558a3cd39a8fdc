# What the container may do, and what ECS may to start it.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "start" {
  name               = "${var.name}-console-start"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_partition" "this" {}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "start" {
  statement {
    sid       = "FirstPassword"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.password_secret_arn]
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]
  }
}

resource "aws_iam_role_policy" "start" {
  name   = "start"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start.json
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-console"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "task" {
  statement {
    sid       = "Postgres"
    actions   = ["rds-db:connect"]
    resources = [var.database_user_arn]
  }
  statement {
    sid       = "Tables"
    actions   = ["s3:GetObject"]
    resources = ["${var.lake_arn}/processed/analytics/*"]
  }
  # Of the whole bucket: whether it is there at all is asked without a prefix.
  statement {
    sid       = "WhichTables"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [var.lake_arn]
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]
  }
  statement {
    sid       = "People"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.people.arn]
    condition {
      test     = "StringEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [aws_efs_access_point.people.arn]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "task"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}
