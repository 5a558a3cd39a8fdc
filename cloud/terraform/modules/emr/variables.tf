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

variable "lake_arn" {
  description = "The lake."
  type        = string
  validation {
    condition     = startswith(var.lake_arn, "arn:")
    error_message = "Give an ARN."
  }
}

variable "subnets" {
  description = "Private subnets."
  type        = list(string)
}

variable "security_group" {
  description = "Of functions: S3 and endpoints are all that a job needs."
  type        = string
}

variable "image_uri" {
  description = "The jobs' image, made from deploy/containers/spark.Containerfile: REPOSITORY@sha256:..."
  type        = string
}

variable "release" {
  description = "EMR's release, which says Spark's version."
  type        = string
  default     = "emr-7.9.0"
  validation {
    condition     = startswith(var.release, "emr-")
    error_message = "Write it as emr-7.9.0."
  }
}

variable "max_cpus" {
  description = "No more processors at once."
  type        = number
  default     = 16
  validation {
    condition     = var.max_cpus >= 4
    error_message = "At least 4."
  }
}
