# Athena: a workgroup that says where results lie and how much a query may read, and the saved queries.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7.0"
    }
  }
}

resource "aws_athena_workgroup" "this" {
  name          = var.name
  force_destroy = true # saved queries are here, in files
  configuration {
    # A client cannot say another place, or leave the key out.
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.max_scanned_gb * 1024 * 1024 * 1024
    result_configuration {
      output_location = "s3://${var.results_bucket}/athena/"
      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
    engine_version {
      selected_engine_version = "Athena engine version 3"
    }
  }
}

# Written by `python -m cloud.analytics.saved` from the queries that the project tests.
resource "aws_athena_named_query" "this" {
  for_each  = fileset("${path.module}/queries", "*.sql")
  name      = trimsuffix(each.value, ".sql")
  workgroup = aws_athena_workgroup.this.id
  database  = var.database
  query     = templatefile("${path.module}/queries/${each.value}", { time_zone = var.time_zone })
}
