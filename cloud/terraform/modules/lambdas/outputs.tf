output "arns" {
  description = "Functions by their name in cloud/lambdas.py."
  value       = { for key, each in aws_lambda_function.this : key => each.arn }
}

output "names" {
  description = "Functions' names by their name in cloud/lambdas.py."
  value       = { for key, each in aws_lambda_function.this : key => each.function_name }
}

output "invoke_arns" {
  description = "For API Gateway."
  value       = { for key, each in aws_lambda_function.this : key => each.invoke_arn }
}

output "expired_queue" {
  description = "The queue of batches that came to be too old."
  value       = aws_sqs_queue.expired.name
}
