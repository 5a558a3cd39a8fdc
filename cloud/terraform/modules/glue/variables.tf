variable "database" {
  description = "The database's name; cloud.toml names it too."
  type        = string
  default     = "parking_analytics"
  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.database))
    error_message = "Small letters, digits and _."
  }
}

variable "lake_bucket" {
  description = "The lake."
  type        = string
}
