# Three buckets: the lake, what queries answered, and who read either.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

data "aws_caller_identity" "this" {}

locals {
  # Account numbers make names that nobody else has.
  suffix  = data.aws_caller_identity.this.account_id
  buckets = { lake = "${var.name}-lake-${local.suffix}", results = "${var.name}-results-${local.suffix}" }
  all     = merge({ for key, bucket in aws_s3_bucket.data : key => bucket }, { logs = aws_s3_bucket.logs })
}

resource "aws_s3_bucket" "data" {
  # checkov:skip=CKV_AWS_18:aws_s3_bucket_logging.data, for each
  # checkov:skip=CKV_AWS_21:the lake's alone has versions; results are had again by asking again
  # checkov:skip=CKV_AWS_144:what is lost with a region is taken as lost
  # checkov:skip=CKV_AWS_145:aws_s3_bucket_server_side_encryption_configuration.data, for each
  # checkov:skip=CKV2_AWS_6:aws_s3_bucket_public_access_block.this, for each
  # checkov:skip=CKV2_AWS_62:nothing waits for objects
  for_each = local.buckets
  bucket   = each.value
}

resource "aws_s3_bucket" "logs" {
  # checkov:skip=CKV_AWS_21:logs are written once, and expire
  # checkov:skip=CKV_AWS_144:what is lost with a region is taken as lost
  # checkov:skip=CKV_AWS_145:S3 delivers logs to none with KMS
  # checkov:skip=CKV2_AWS_62:nothing waits for objects
  bucket = "${var.name}-access-logs-${local.suffix}"
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.all
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.all
  bucket   = each.value.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "data" {
  for_each = aws_s3_bucket.data
  bucket   = each.value.id
  rule {
    # One data key a bucket in the place of one an object: fewer calls of KMS to pay for.
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

# S3 delivers access logs to a bucket with S3's own keys alone, never to one with KMS.
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# What a fault overwrote can be had back for a month.
resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.data["lake"].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "data" {
  for_each      = aws_s3_bucket.data
  bucket        = each.value.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "${each.key}/"
  depends_on    = [aws_s3_bucket_policy.logs]
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket     = aws_s3_bucket.data["lake"].id
  depends_on = [aws_s3_bucket_versioning.lake]

  # Athena reads all classes below. S3 leaves objects under 128 KiB where they are: compaction pays.
  rule {
    id     = "events"
    status = "Enabled"
    filter {
      prefix = "parking-data/"
    }
    transition {
      days          = var.warm_days
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = var.cold_days
      storage_class = "GLACIER_IR"
    }
    expiration {
      days = var.keep_days
    }
  }
  rule {
    id     = "lines"
    status = "Enabled"
    filter {
      prefix = "raw/"
    }
    transition {
      days          = var.warm_days
      storage_class = "STANDARD_IA"
    }
    expiration {
      days = var.keep_days
    }
  }
  rule {
    id     = "dead-letters"
    status = "Enabled"
    filter {
      prefix = "dead-letters/"
    }
    expiration {
      days = var.letters_days
    }
  }
  rule {
    id     = "firehose-errors"
    status = "Enabled"
    filter {
      prefix = "firehose-errors/"
    }
    expiration {
      days = var.letters_days
    }
  }
  rule {
    id     = "remains"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  bucket = aws_s3_bucket.data["results"].id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = var.results_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = var.logs_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

data "aws_iam_policy_document" "tls" {
  for_each = local.all
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "logs" {
  source_policy_documents = [data.aws_iam_policy_document.tls["logs"].json]
  statement {
    sid       = "AccessLogs"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/*"]
    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.suffix]
    }
  }
  # The console's load balancer.
  statement {
    sid       = "BalancerLogs"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/console/AWSLogs/${local.suffix}/*"]
    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }
}

resource "aws_s3_bucket_policy" "data" {
  for_each = aws_s3_bucket.data
  bucket   = each.value.id
  policy   = data.aws_iam_policy_document.tls[each.key].json
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = data.aws_iam_policy_document.logs.json
}
