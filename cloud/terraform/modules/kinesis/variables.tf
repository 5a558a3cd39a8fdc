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

variable "shards" {
  description = "Shards; null: on demand."
  type        = number
  default     = 1
  validation {
    condition     = var.shards == null ? true : var.shards >= 1
    error_message = "At least 1, or null."
  }
}

variable "retention_hours" {
  description = "For so long a consumer may be away."
  type        = number
  default     = 168
  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760
    error_message = "24 to 8760."
  }
}
