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

variable "cidr" {
  description = "The network's addresses; a subnet takes a sixteenth."
  type        = string
  default     = "10.40.0.0/16"
  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15))
    error_message = "Write it as 10.40.0.0/16."
  }
}

variable "zones" {
  description = "In how many availability zones subnets stand."
  type        = number
  default     = 2
  validation {
    condition     = var.zones >= 2 && var.zones <= 3
    error_message = "2 or 3."
  }
}

variable "endpoints" {
  description = "Interface endpoints, by the last part of their services' names. Each is paid by the hour and zone."
  type        = set(string)
  default     = ["logs", "kinesis-streams"]
  validation {
    condition     = contains(var.endpoints, "logs")
    error_message = "Functions need logs."
  }
}

variable "cdn" {
  description = "Whether CloudFront is to reach what stands in here."
  type        = bool
  default     = false
}
