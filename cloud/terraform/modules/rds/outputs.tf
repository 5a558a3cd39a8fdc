output "identifier" {
  description = "The instance."
  value       = aws_db_instance.this.identifier
}

output "dsn" {
  description = "How functions reach it, in libpq's words."
  value       = "host=${aws_db_instance.this.address} port=5432 dbname=${local.database} user=${local.user} sslmode=verify-full sslrootcert=/opt/rds-ca.pem"
}

output "user_arn" {
  description = "The user, as rds-db:connect names it."
  value       = "arn:${data.aws_partition.this.partition}:rds-db:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}:dbuser:${aws_db_instance.this.resource_id}/${local.user}"
}
