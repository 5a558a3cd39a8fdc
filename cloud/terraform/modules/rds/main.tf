# Postgres, which holds the present. Functions log in with a token of IAM's; there is no password to keep.
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
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  user     = "lotkeeper"
  database = "lotkeeper"
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnets
}

resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-postgres${var.major}"
  family = "postgres${var.major}"
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  lifecycle {
    create_before_destroy = true
  }
}

# Made before the instance, which would make them without our key and without an end.
resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:for finding faults; what happened is kept in the lake
  for_each          = toset(["postgresql", "upgrade"])
  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = 30
  kms_key_id        = var.kms_key_arn
}

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_157:a variable: prod has a second machine, dev may be lost
  # checkov:skip=CKV_AWS_293:a variable: dev may be lost
  # checkov:skip=CKV_AWS_118:metrics by the minute and performance insights do
  identifier                          = var.name
  engine                              = "postgres"
  engine_version                      = var.major
  instance_class                      = var.instance_class
  allocated_storage                   = var.storage_gb
  max_allocated_storage               = var.storage_gb * 5
  storage_type                        = "gp3"
  storage_encrypted                   = true
  kms_key_id                          = var.kms_key_arn
  db_name                             = local.database
  username                            = "postgres"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = var.kms_key_arn
  iam_database_authentication_enabled = true
  multi_az                            = var.multi_az
  backup_retention_period             = var.backup_days
  copy_tags_to_snapshot               = true
  deletion_protection                 = var.deletion_protection
  skip_final_snapshot                 = !var.deletion_protection
  final_snapshot_identifier           = "${var.name}-last"
  auto_minor_version_upgrade          = true
  db_subnet_group_name                = aws_db_subnet_group.this.name
  parameter_group_name                = aws_db_parameter_group.this.name
  vpc_security_group_ids              = [var.security_group]
  publicly_accessible                 = false
  enabled_cloudwatch_logs_exports     = keys(aws_cloudwatch_log_group.this)
  performance_insights_enabled        = true
  performance_insights_kms_key_id     = var.kms_key_arn
}
