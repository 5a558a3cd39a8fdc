# EMR Serverless for the backfill of old files by Spark (cloud/backfill/spark.py). It costs nothing while
# no job runs. docs/cloud-deployment.md starts one.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

resource "aws_emrserverless_application" "this" {
  name          = "${var.name}-backfill"
  type          = "spark"
  release_label = var.release
  image_configuration {
    image_uri = var.image_uri
  }
  # Stops the bill where a job is forgotten.
  maximum_capacity {
    cpu    = "${var.max_cpus} vCPU"
    memory = "${var.max_cpus * 4} GB"
  }
  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = 15
  }
  network_configuration {
    subnet_ids         = var.subnets
    security_group_ids = [var.security_group]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["emr-serverless.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "job" {
  statement {
    sid       = "Bucket"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [var.lake_arn]
  }
  statement {
    sid       = "ReadFiles"
    actions   = ["s3:GetObject"]
    resources = ["${var.lake_arn}/raw/historical/*", "${var.lake_arn}/jobs/*"]
  }
  statement {
    sid       = "WriteWhatItMade"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${var.lake_arn}/processed/historical/*", "${var.lake_arn}/jobs/logs/*"]
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
  }
}

# Named when a job is started.
resource "aws_iam_role" "job" {
  name               = "${var.name}-backfill"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "job" {
  name   = "own"
  role   = aws_iam_role.job.id
  policy = data.aws_iam_policy_document.job.json
}
