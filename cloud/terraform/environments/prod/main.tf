# The environment prod. Its state lies in a bucket: terraform init -backend-config=backend.hcl
terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
  # Bucket, key and region: backend.hcl, which is not kept here. S3 locks by itself.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { Deployment = "lotkeeper-prod", Application = "lotkeeper" }
  }
}

module "lotkeeper" {
  source      = "../../modules/deployment"
  name        = "lotkeeper-prod"
  image_uri   = var.image_uri
  emails      = var.emails
  lots        = var.lots
  time_zone   = var.time_zone
  door_tokens = var.door_tokens

  backfill_image       = var.backfill_image
  console_image        = var.console_image
  console_password_arn = var.console_password_arn

  multi_az       = true
  backup_days    = 30
  database_class = "db.t4g.small"
  concurrency    = 10
  budget_dollars = 400
}
