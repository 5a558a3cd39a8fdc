output "application_id" {
  description = "The application."
  value       = aws_emrserverless_application.this.id
}

output "role_arn" {
  description = "The role of jobs."
  value       = aws_iam_role.job.arn
}

output "entry_point" {
  description = "What a job starts, within the image."
  value       = "local:///opt/lotkeeper/lotkeeper/__main__.py"
}
