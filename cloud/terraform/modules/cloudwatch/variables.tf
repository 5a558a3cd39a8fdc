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

variable "emails" {
  description = "Who is told of alarms; each has to confirm."
  type        = list(string)
  default     = []
}

variable "functions" {
  description = "Functions' names by their name in cloud/lambdas.py."
  type        = map(string)
}

variable "stream_name" {
  description = "The Kinesis stream; null with MSK."
  type        = string
  default     = null
}

variable "firehose_name" {
  description = "The delivery stream; null with MSK, or where a function writes the lake."
  type        = string
  default     = null
}

variable "cluster_name" {
  description = "The MSK cluster; null with Kinesis."
  type        = string
  default     = null
}

variable "topic" {
  description = "The topic on MSK."
  type        = string
  default     = "parking-events"
}

variable "brokers" {
  description = "How many brokers there are."
  type        = number
  default     = 2
}

variable "expired_queue" {
  description = "The queue of batches that came to be too old."
  type        = string
}

variable "lake_bucket" {
  description = "The lake."
  type        = string
}

variable "workgroup" {
  description = "Athena's workgroup."
  type        = string
}

variable "database" {
  description = "The Postgres instance."
  type        = string
}

variable "lots" {
  description = "Lots whose silence is an alarm: each is one, and is paid as one."
  type        = set(string)
  default     = []
}

variable "silent_minutes" {
  description = "A lot whose gateway says nothing for so long is silent; it beats every minute."
  type        = number
  default     = 15
  validation {
    condition     = var.silent_minutes >= 5 && var.silent_minutes <= 1440
    error_message = "5 to 1440: CloudWatch looks back a day at most."
  }
}

variable "lag_minutes" {
  description = "The present may be behind by so many on Kinesis."
  type        = number
  default     = 10
  validation {
    condition     = var.lag_minutes >= 1
    error_message = "At least 1."
  }
}

variable "lag_records" {
  description = "A consumer group may be behind by so many on MSK."
  type        = number
  default     = 10000
  validation {
    condition     = var.lag_records >= 1
    error_message = "At least 1."
  }
}

variable "lake_gb" {
  description = "Gigabytes in STANDARD that are an alarm."
  type        = number
  default     = 100
  validation {
    condition     = var.lake_gb >= 1
    error_message = "At least 1."
  }
}
