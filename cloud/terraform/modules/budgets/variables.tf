variable "name" {
  description = "Prefix of every name, as lotkeeper-dev."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,24}$", var.name))
    error_message = "Small letters, digits and hyphens, 2 to 25 of them."
  }
}

variable "dollars" {
  description = "US dollars a month."
  type        = number
  default     = 100
  validation {
    condition     = var.dollars > 0
    error_message = "More than 0."
  }
}

variable "emails" {
  description = "Who is told."
  type        = list(string)
  validation {
    condition     = length(var.emails) > 0
    error_message = "Name at least one."
  }
}
