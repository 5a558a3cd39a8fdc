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

variable "function_name" {
  description = "The function door."
  type        = string
}

variable "invoke_arn" {
  description = "The function door, as API Gateway calls it."
  type        = string
  validation {
    condition     = startswith(var.invoke_arn, "arn:")
    error_message = "Give an ARN."
  }
}

variable "requests_per_second" {
  description = "More are refused, and come again."
  type        = number
  default     = 20
  validation {
    condition     = var.requests_per_second >= 1
    error_message = "At least 1."
  }
}
