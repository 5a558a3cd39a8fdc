# The environment dev. Its state lies in a bucket: terraform init -backend-config=backend.hcl
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
    tags = { Deployment = "lotkeeper-dev", Application = "lotkeeper" }
  }
}

module "lotkeeper" {
  source      = "../../modules/deployment"
  name        = "lotkeeper-dev"
  image_uri   = var.image_uri
  emails      = var.emails
  lots        = var.lots
  time_zone   = var.time_zone
  door_tokens = var.door_tokens

  # It may be lost.
  deletion_protection = false
  backup_days         = 1
  concurrency         = 2
  budget_dollars      = 100
}
