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

variable "results_bucket" {
  description = "The bucket of query results."
  type        = string
}

variable "database" {
  description = "The database of the lake's tables."
  type        = string
}

variable "time_zone" {
  description = "The lots' own, as Europe/Berlin."
  type        = string
  default     = "UTC"
  validation {
    condition     = can(regex("^[A-Za-z0-9_+/-]+$", var.time_zone))
    error_message = "Write it as Europe/Berlin."
  }
}

variable "max_scanned_gb" {
  description = "A query that would read more is stopped."
  type        = number
  default     = 100
  validation {
    condition     = var.max_scanned_gb >= 1
    error_message = "At least 1."
  }
}
