variable "name" {
  description = "Prefix of every name, as lotkeeper-dev."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,24}$", var.name))
    error_message = "Small letters, digits and hyphens, 2 to 25 of them."
  }
}

variable "stream" {
  description = "What gateways write to: kinesis or msk."
  type        = string
  default     = "kinesis"
  validation {
    condition     = contains(["kinesis", "msk"], var.stream)
    error_message = "kinesis or msk."
  }
}

variable "lake_by_function" {
  description = "With Kinesis: a function writes the lake, in Firehose's place. It checks records, and writes JSON lines too."
  type        = bool
  default     = false
}

variable "image_uri" {
  description = "The functions' image, made from image/Dockerfile: REPOSITORY@sha256:..."
  type        = string
}

variable "emails" {
  description = "Who is told of alarms and costs."
  type        = list(string)
  validation {
    condition     = length(var.emails) > 0
    error_message = "Name at least one."
  }
}

variable "lots" {
  description = "Lots whose silence is an alarm."
  type        = set(string)
  default     = []
}

variable "silent_minutes" {
  description = "A lot whose gateway says nothing for so long is silent; it beats every minute."
  type        = number
  default     = 15
}

variable "time_zone" {
  description = "The lots' own, as Europe/Berlin."
  type        = string
  default     = "UTC"
}

variable "door_tokens" {
  description = "Lines of 'lotkeeper cloud token': SHA-256 and lots, never a token."
  type        = string
  default     = ""
}

variable "shards" {
  description = "Kinesis' shards; null: on demand."
  type        = number
  default     = 1
}

variable "brokers" {
  description = "MSK's brokers."
  type        = number
  default     = 2
}

variable "concurrency" {
  description = "How many of each function may run at once."
  type        = number
  default     = 5
}

variable "database_class" {
  description = "Postgres' machine."
  type        = string
  default     = "db.t4g.micro"
}

variable "multi_az" {
  description = "Whether a second Postgres stands by."
  type        = bool
  default     = false
}

variable "backup_days" {
  description = "Days that backups are kept."
  type        = number
  default     = 7
}

variable "deletion_protection" {
  description = "Whether Postgres cannot be deleted."
  type        = bool
  default     = true
}

variable "budget_dollars" {
  description = "US dollars a month."
  type        = number
  default     = 150
}

variable "backfill_image" {
  description = "The image of Spark's jobs for old files; null: no application."
  type        = string
  default     = null
}

variable "console_image" {
  description = "The console's image; null: no console."
  type        = string
  default     = null
}

variable "console_password_arn" {
  description = "The ARN of a secret that you made, with the first password of the console's admin; with console_image."
  type        = string
  default     = null
  validation {
    condition     = (var.console_password_arn == null) == (var.console_image == null)
    error_message = "console_image and console_password_arn belong together: give both or neither."
  }
}
