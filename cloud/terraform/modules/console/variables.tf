variable "name" {
  description = "Prefix of every name, as lotkeeper-dev."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,24}$", var.name))
    error_message = "Small letters, digits and hyphens, 2 to 25 of them."
  }
}

variable "kms_key_arn" {
  description = "The key that encrypts at rest."
  type        = string
  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "Give an ARN."
  }
}

variable "image_uri" {
  description = "The console's image."
  type        = string
}

variable "logs_bucket" {
  description = "The bucket of access logs."
  type        = string
}

variable "vpc_id" {
  description = "The network, with an internet gateway."
  type        = string
}

variable "subnets" {
  description = "Private subnets."
  type        = list(string)
}

variable "dsn" {
  description = "How the console reaches Postgres, in libpq's words."
  type        = string
}

variable "database_user_arn" {
  description = "The database's user, as rds-db:connect names it."
  type        = string
}

variable "database_group" {
  description = "The database's security group."
  type        = string
}

variable "lake_bucket" {
  description = "The lake's bucket."
  type        = string
}

variable "lake_arn" {
  description = "The lake's ARN."
  type        = string
}

variable "password_secret_arn" {
  description = "A secret that you made: the first password of `admin`, 10 characters or more."
  type        = string
  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.password_secret_arn))
    error_message = "Give the ARN of a secret of Secrets Manager."
  }
}

variable "port" {
  description = "On which the console listens."
  type        = number
  default     = 8080
  validation {
    condition     = var.port > 0 && var.port < 65536
    error_message = "1 to 65535."
  }
}

variable "health_path" {
  description = "What the load balancer asks."
  type        = string
  default     = "/"
  validation {
    condition     = startswith(var.health_path, "/")
    error_message = "Begin it with /."
  }
}

variable "static_paths" {
  description = "What never changes under its name; CloudFront keeps it."
  type        = list(string)
  default     = ["/_nicegui/*"]
}
