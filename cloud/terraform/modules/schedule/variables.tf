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

variable "time_zone" {
  description = "In which the schedules are written."
  type        = string
  default     = "UTC"
}

variable "runs" {
  description = "What runs when, as cron(15 * * * ? *) or rate(1 hour), by a short name."
  type        = map(object({ function_arn = string, when = string }))
}
