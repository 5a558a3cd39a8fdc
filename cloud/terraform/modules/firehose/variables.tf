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

variable "stream_arn" {
  description = "The stream."
  type        = string
  validation {
    condition     = startswith(var.stream_arn, "arn:")
    error_message = "Give an ARN."
  }
}

variable "lake_arn" {
  description = "The lake."
  type        = string
  validation {
    condition     = startswith(var.lake_arn, "arn:")
    error_message = "Give an ARN."
  }
}

variable "glue_database" {
  description = "The lake's database."
  type        = string
}

variable "glue_table" {
  description = "The table whose columns are written."
  type        = string
}

variable "wait_s" {
  description = "Seconds until an object is written."
  type        = number
  default     = 300
  validation {
    condition     = var.wait_s >= 60 && var.wait_s <= 900
    error_message = "60 to 900."
  }
}
