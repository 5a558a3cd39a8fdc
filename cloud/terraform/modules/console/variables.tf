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
