output "url" {
  description = "Where people find it."
  value       = "https://${aws_cloudfront_distribution.this.domain_name}"
}
