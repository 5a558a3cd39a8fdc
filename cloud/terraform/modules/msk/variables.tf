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

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "cidr" {
  description = "The network's addresses."
  type        = string
}

variable "subnets" {
  description = "Private subnets; brokers are spread over them."
  type        = list(string)
}

variable "functions_group" {
  description = "Security group of functions."
  type        = string
}

variable "brokers" {
  description = "How many; a multiple of the subnets."
  type        = number
  default     = 2
  validation {
    condition     = var.brokers >= 2
    error_message = "At least 2."
  }
}

variable "instance_type" {
  description = "Their machines."
  type        = string
  default     = "kafka.t3.small"
  validation {
    condition     = startswith(var.instance_type, "kafka.")
    error_message = "Write it as kafka.t3.small."
  }
}

variable "storage_gb" {
  description = "Gigabytes a broker."
  type        = number
  default     = 50
  validation {
    condition     = var.storage_gb >= 1
    error_message = "At least 1."
  }
}

variable "partitions" {
  description = "Partitions of a topic that is made."
  type        = number
  default     = 6
  validation {
    condition     = var.partitions >= 1
    error_message = "At least 1."
  }
}

variable "kafka_version" {
  description = "Kafka's version."
  type        = string
  default     = "3.8.x"
}
