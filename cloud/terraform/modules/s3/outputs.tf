output "lake_bucket" {
  description = "The lake's name."
  value       = aws_s3_bucket.data["lake"].id
}

output "lake_arn" {
  description = "The lake's ARN."
  value       = aws_s3_bucket.data["lake"].arn
}

output "results_bucket" {
  description = "The name of the bucket that holds query results."
  value       = aws_s3_bucket.data["results"].id
}

output "results_arn" {
  description = "The ARN of the bucket that holds query results."
  value       = aws_s3_bucket.data["results"].arn
}

output "logs_bucket" {
  description = "The name of the bucket that holds access logs."
  value       = aws_s3_bucket_policy.logs.bucket # who is to log there is refused before it is let
}
