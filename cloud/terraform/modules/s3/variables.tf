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

variable "warm_days" {
  description = "Days until events move to STANDARD_IA."
  type        = number
  default     = 90
  validation {
    condition     = var.warm_days >= 30
    error_message = "S3 asks for at least 30."
  }
}

variable "cold_days" {
  description = "Days until events move to GLACIER_IR."
  type        = number
  default     = 365
  validation {
    condition     = var.cold_days > var.warm_days
    error_message = "Longer than warm_days."
  }
}

variable "keep_days" {
  description = "Days until events are deleted."
  type        = number
  default     = 1825
  validation {
    condition     = var.keep_days > var.cold_days
    error_message = "Longer than cold_days."
  }
}

variable "letters_days" {
  description = "Days that dead letters and what Firehose could not convert are kept."
  type        = number
  default     = 90
  validation {
    condition     = var.letters_days >= 1
    error_message = "At least a day."
  }
}

variable "results_days" {
  description = "Days that query results are kept."
  type        = number
  default     = 14
  validation {
    condition     = var.results_days >= 1
    error_message = "At least a day."
  }
}

variable "logs_days" {
  description = "Days that access logs are kept."
  type        = number
  default     = 180
  validation {
    condition     = var.logs_days >= 1
    error_message = "At least a day."
  }
}
