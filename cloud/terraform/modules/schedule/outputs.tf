output "names" {
  description = "The schedules' names."
  value       = [for each in aws_scheduler_schedule.this : each.name]
}
