output "url" {
  description = "Where lots without a gateway post events."
  value       = "${aws_apigatewayv2_api.door.api_endpoint}/v1/events"
}

output "api_id" {
  description = "The API."
  value       = aws_apigatewayv2_api.door.id
}
