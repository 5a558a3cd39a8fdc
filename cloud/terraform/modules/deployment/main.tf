# All of it, put together: gateways -> Kinesis or MSK -> Postgres and the lake -> Athena. An environment calls this.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

locals {
  msk = var.stream == "msk"
  endpoints = concat(
    ["logs", "athena"],
    local.msk ? ["lambda", "sts"] : ["kinesis-streams"], # MSK's poller asks the first two
    var.console_image == null ? [] : ["ecr.api", "ecr.dkr", "secretsmanager"],
  )
}

module "kms" {
  source = "../kms"
  name   = var.name
}

module "s3" {
  source      = "../s3"
  name        = var.name
  kms_key_arn = module.kms.key_arn
}

module "network" {
  source      = "../network"
  name        = var.name
  kms_key_arn = module.kms.key_arn
  endpoints   = local.endpoints
  cdn         = var.console_image != null
}

module "kinesis" {
  count       = local.msk ? 0 : 1
  source      = "../kinesis"
  name        = var.name
  kms_key_arn = module.kms.key_arn
  shards      = var.shards
}

module "msk" {
  count           = local.msk ? 1 : 0
  source          = "../msk"
  name            = var.name
  kms_key_arn     = module.kms.key_arn
  vpc_id          = module.network.vpc_id
  cidr            = module.network.cidr
  subnets         = module.network.private_subnets
  functions_group = module.network.functions_group
  brokers         = var.brokers
}

module "glue" {
  source      = "../glue"
  lake_bucket = module.s3.lake_bucket
}

module "athena" {
  source         = "../athena"
  name           = var.name
  kms_key_arn    = module.kms.key_arn
  results_bucket = module.s3.results_bucket
  database       = module.glue.database
  time_zone      = var.time_zone
}

module "firehose" {
  count         = local.msk || var.lake_by_function ? 0 : 1
  source        = "../firehose"
  name          = var.name
  kms_key_arn   = module.kms.key_arn
  stream_arn    = module.kinesis[0].stream_arn
  lake_arn      = module.s3.lake_arn
  glue_database = module.glue.database
  glue_table    = module.glue.events_table
}

module "rds" {
  source              = "../rds"
  name                = var.name
  kms_key_arn         = module.kms.key_arn
  subnets             = module.network.private_subnets
  security_group      = module.network.database_group
  instance_class      = var.database_class
  multi_az            = var.multi_az
  backup_days         = var.backup_days
  deletion_protection = var.deletion_protection
}

module "lambdas" {
  source            = "../lambdas"
  name              = var.name
  kms_key_arn       = module.kms.key_arn
  image_uri         = var.image_uri
  subnets           = module.network.private_subnets
  security_group    = module.network.functions_group
  stream_name       = one(module.kinesis[*].stream_name)
  stream_arn        = one(module.kinesis[*].stream_arn)
  msk               = one([for each in module.msk : { cluster_arn = each.cluster_arn, bootstrap_servers = each.bootstrap_servers }])
  lake_by_function  = var.lake_by_function
  dsn               = module.rds.dsn
  database_user_arn = module.rds.user_arn
  lake_bucket       = module.s3.lake_bucket
  lake_arn          = module.s3.lake_arn
  results_arn       = module.s3.results_arn
  glue_database     = module.glue.database
  workgroup         = module.athena.workgroup
  time_zone         = var.time_zone
  concurrency       = var.concurrency
  door_tokens       = var.door_tokens
}

module "api" {
  source        = "../api"
  name          = var.name
  kms_key_arn   = module.kms.key_arn
  function_name = module.lambdas.names["door"]
  invoke_arn    = module.lambdas.invoke_arns["door"]
}

module "schedule" {
  source      = "../schedule"
  name        = var.name
  kms_key_arn = module.kms.key_arn
  time_zone   = var.time_zone
  runs = {
    analyse = { function_arn = module.lambdas.arns["analyse"], when = "cron(15 * * * ? *)" }
    compact = { function_arn = module.lambdas.arns["compact"], when = "cron(25 * * * ? *)" }
    retain  = { function_arn = module.lambdas.arns["retain"], when = "cron(40 3 * * ? *)" }
  }
}

module "cloudwatch" {
  source         = "../cloudwatch"
  name           = var.name
  kms_key_arn    = module.kms.key_arn
  emails         = var.emails
  functions      = module.lambdas.names
  stream_name    = one(module.kinesis[*].stream_name)
  firehose_name  = one(module.firehose[*].name)
  cluster_name   = one(module.msk[*].cluster_name)
  brokers        = var.brokers
  expired_queue  = module.lambdas.expired_queue
  lake_bucket    = module.s3.lake_bucket
  workgroup      = module.athena.workgroup
  database       = module.rds.identifier
  lots           = var.lots
  silent_minutes = var.silent_minutes
}

module "budgets" {
  source  = "../budgets"
  name    = var.name
  dollars = var.budget_dollars
  emails  = var.emails
}

module "emr" {
  count          = var.backfill_image == null ? 0 : 1
  source         = "../emr"
  name           = var.name
  image_uri      = var.backfill_image
  kms_key_arn    = module.kms.key_arn
  lake_arn       = module.s3.lake_arn
  subnets        = module.network.private_subnets
  security_group = module.network.functions_group
}

module "console" {
  count               = var.console_image == null ? 0 : 1
  source              = "../console"
  name                = var.name
  kms_key_arn         = module.kms.key_arn
  image_uri           = var.console_image
  logs_bucket         = module.s3.logs_bucket
  vpc_id              = module.network.vpc_id
  subnets             = module.network.private_subnets
  dsn                 = module.rds.dsn
  database_user_arn   = module.rds.user_arn
  database_group      = module.network.database_group
  lake_bucket         = module.s3.lake_bucket
  lake_arn            = module.s3.lake_arn
  password_secret_arn = var.console_password_arn
}
