output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "private_subnets" {
  description = "Subnets without a way out."
  value       = aws_subnet.private[*].id
}

output "functions_group" {
  description = "Security group of functions."
  value       = aws_security_group.functions.id
}

output "database_group" {
  description = "Security group of the database."
  value       = aws_security_group.database.id
}

output "cidr" {
  description = "The network's addresses."
  value       = aws_vpc.this.cidr_block
}
