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

variable "subnets" {
  description = "Private subnets."
  type        = list(string)
}

variable "security_group" {
  description = "Of the database."
  type        = string
}

variable "major" {
  description = "Postgres' major version."
  type        = string
  default     = "17"
  validation {
    condition     = can(regex("^[0-9]+$", var.major))
    error_message = "Write it as 17."
  }
}

variable "instance_class" {
  description = "Its machine."
  type        = string
  default     = "db.t4g.micro"
  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "Write it as db.t4g.micro."
  }
}

variable "storage_gb" {
  description = "Gigabytes at first; it grows to five times as much."
  type        = number
  default     = 20
  validation {
    condition     = var.storage_gb >= 20
    error_message = "At least 20."
  }
}

variable "multi_az" {
  description = "Whether a second machine stands by in another zone."
  type        = bool
  default     = false
}

variable "backup_days" {
  description = "Days that backups are kept."
  type        = number
  default     = 7
  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "1 to 35."
  }
}

variable "deletion_protection" {
  description = "Whether it cannot be deleted; without, no last snapshot is taken."
  type        = bool
  default     = true
}
