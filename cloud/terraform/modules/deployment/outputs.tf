output "stream_name" {
  description = "The Kinesis stream; null with MSK."
  value       = one(module.kinesis[*].stream_name)
}

output "bootstrap_servers" {
  description = "MSK's brokers; null with Kinesis."
  value       = one(module.msk[*].bootstrap_servers)
}

output "write_policy_arn" {
  description = "What lets a gateway write to Kinesis."
  value       = one(module.kinesis[*].write_policy_arn)
}

output "door_url" {
  description = "Where lots without a gateway post events."
  value       = module.api.url
}

output "dsn" {
  description = "How Postgres is reached."
  value       = module.rds.dsn
}

output "lake_bucket" {
  description = "The lake."
  value       = module.s3.lake_bucket
}

output "workgroup" {
  description = "Athena's workgroup."
  value       = module.athena.workgroup
}

output "backfill" {
  description = "Spark's application for old files, its jobs' role and what they start; null without."
  value = one([for each in module.emr : {
    application_id = each.application_id, role_arn = each.role_arn, entry_point = each.entry_point,
  }])
}
