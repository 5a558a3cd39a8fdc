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

variable "image_uri" {
  description = "The container image, made from image/Dockerfile: REPOSITORY@sha256:..."
  type        = string
}

variable "memory_mb" {
  description = "Memory of a function."
  type        = number
  default     = 256
  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "128 to 10240."
  }
}

variable "timeout_s" {
  description = "Seconds a call may take; what a schedule runs has 900."
  type        = number
  default     = 30
  validation {
    condition     = var.timeout_s >= 1 && var.timeout_s <= 900
    error_message = "1 to 900."
  }
}

variable "concurrency" {
  description = "How many of each function may run at once: each holds a connection of the database."
  type        = number
  default     = 5
  validation {
    condition     = var.concurrency >= 1
    error_message = "At least 1."
  }
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 180, 365], var.log_days)
    error_message = "A number that CloudWatch knows, as 30."
  }
}

variable "subnets" {
  description = "Private subnets."
  type        = list(string)
}

variable "security_group" {
  description = "Of the functions."
  type        = string
}

variable "stream_name" {
  description = "The Kinesis stream; null with MSK."
  type        = string
  default     = null
}

variable "stream_arn" {
  description = "The Kinesis stream; null with MSK."
  type        = string
  default     = null
}

variable "msk" {
  description = "The brokers in the place of Kinesis; null without."
  type        = object({ cluster_arn = string, bootstrap_servers = string })
  default     = null
}

variable "topic" {
  description = "The topic on MSK."
  type        = string
  default     = "parking-events"
}

variable "dsn" {
  description = "How Postgres is reached, in libpq's words, without a password."
  type        = string
}

variable "database_user_arn" {
  description = "The database's user, as rds-db:connect names it."
  type        = string
}

variable "keep_days" {
  description = "Days that Postgres keeps events and stays."
  type        = number
  default     = 400
  validation {
    condition     = var.keep_days >= 1 && var.keep_days <= 3660
    error_message = "1 to 3660."
  }
}

variable "lake_by_function" {
  description = "With Kinesis: kinesis_lake writes the lake, in Firehose's place."
  type        = bool
  default     = false
}

variable "lake_bucket" {
  description = "The lake."
  type        = string
}

variable "lake_arn" {
  description = "The lake."
  type        = string
}

variable "results_arn" {
  description = "The bucket of query results."
  type        = string
}

variable "glue_database" {
  description = "The database of the lake's tables."
  type        = string
}

variable "workgroup" {
  description = "Athena's workgroup."
  type        = string
}

variable "time_zone" {
  description = "The lots' own, as Europe/Berlin."
  type        = string
  default     = "UTC"
}

variable "door_tokens" {
  description = "Lines of 'lotkeeper cloud token': SHA-256 and lots, never a token. Some 2 KB have room."
  type        = string
  default     = ""
  validation {
    condition     = length(var.door_tokens) <= 2048
    error_message = "The environment holds 4 KB in all: at most 2048 of them are the tokens'."
  }
}
