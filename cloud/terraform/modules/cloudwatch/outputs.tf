output "topic_arn" {
  description = "Where alarms are told."
  value       = aws_sns_topic.alarms.arn
}

output "alarms" {
  description = "The alarms' names."
  value       = [for each in aws_cloudwatch_metric_alarm.this : each.alarm_name]
}
