output "database" {
  description = "The database's name."
  value       = aws_glue_catalog_database.this.name
}

output "events_table" {
  description = "The lake's table."
  value       = aws_glue_catalog_table.events.name
}
