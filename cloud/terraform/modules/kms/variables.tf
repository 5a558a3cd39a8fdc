variable "name" {
  description = "Prefix of every name, as lotkeeper-dev."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,24}$", var.name))
    error_message = "Small letters, digits and hyphens, 2 to 25 of them."
  }
}
