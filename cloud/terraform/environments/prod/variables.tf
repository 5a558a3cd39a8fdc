variable "region" {
  description = "AWS's region."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "Write it as eu-central-1."
  }
}

variable "image_uri" {
  description = "The functions' image: REPOSITORY@sha256:..."
  type        = string
}

variable "emails" {
  description = "Who is told of alarms and costs."
  type        = list(string)
}

variable "lots" {
  description = "Lots whose silence is an alarm."
  type        = set(string)
  default     = []
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

variable "backfill_image" {
  description = "The image of Spark's jobs for old files; null: none of it is made."
  type        = string
  default     = null
}

variable "console_image" {
  description = "The console's image by its digest; null: no console."
  type        = string
  default     = null
}

variable "console_password_arn" {
  description = "The ARN of a secret that you made, with the first password of the console's admin; with console_image."
  type        = string
  default     = null
}
