output "name" {
  description = "The delivery stream's name."
  value       = aws_kinesis_firehose_delivery_stream.lake.name
}
