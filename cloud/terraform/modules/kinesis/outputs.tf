output "stream_name" {
  description = "The stream's name."
  value       = aws_kinesis_stream.events.name
}

output "stream_arn" {
  description = "The stream's ARN."
  value       = aws_kinesis_stream.events.arn
}

output "write_policy_arn" {
  description = "What lets a gateway write."
  value       = aws_iam_policy.write.arn
}
