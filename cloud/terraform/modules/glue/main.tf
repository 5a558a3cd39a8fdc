# The lake's tables. Partitions are projected: no crawler, and an hour is there when its object is.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

locals {
  # cloud/lake/schema.py, SCHEMA: a test compares.
  columns = [
    ["spot_id", "string"],
    ["status", "string"],
    ["timestamp", "timestamp"],
    ["event_id", "string"],
    ["event_type", "string"],
    ["facility_id", "string"],
    ["lot_id", "string"],
    ["zone_id", "string"],
    ["agent_id", "string"],
    ["epoch", "string"],
    ["seq", "bigint"],
    ["clock", "string"],
    ["historical", "boolean"],
    ["confidence", "float"],
    ["health", "string"],
    ["health_reason", "string"],
    ["lane_id", "string"],
    ["delta", "int"],
    ["reason", "string"],
    ["version", "string"],
    ["ticket_id", "string"],
    ["vehicle_class", "string"],
    ["entered_at", "timestamp"],
    ["exited_at", "timestamp"],
    ["amount_minor", "bigint"],
    ["currency", "string"],
    ["state", "string"],
    ["alert_id", "string"],
    ["alert_kind", "string"],
    ["severity", "string"],
    ["text", "string"],
    ["taken_at", "timestamp"],
  ]
  # What tables of older pipelines hold; the time as it is written there, a word.
  old_columns = [
    ["spot_id", "string"],
    ["status", "string"],
    ["timestamp", "string"],
  ]
  partitions = ["year", "month", "day", "hour"]
  hours      = join("/", [for key in local.partitions : "${key}=$${${key}}"])
  projection = {
    "projection.enabled"      = "true"
    "projection.year.type"    = "integer"
    "projection.year.range"   = "2000,2099"
    "projection.month.type"   = "integer"
    "projection.month.range"  = "1,12"
    "projection.month.digits" = "2"
    "projection.day.type"     = "integer"
    "projection.day.range"    = "1,31"
    "projection.day.digits"   = "2"
    "projection.hour.type"    = "integer"
    "projection.hour.range"   = "0,23"
    "projection.hour.digits"  = "2"
  }
}

resource "aws_glue_catalog_database" "this" {
  name = var.database
}

resource "aws_glue_catalog_table" "events" {
  database_name = aws_glue_catalog_database.this.name
  name          = "parking_data"
  table_type    = "EXTERNAL_TABLE"
  parameters = merge(local.projection, {
    "EXTERNAL"                  = "TRUE"
    "classification"            = "parquet"
    "storage.location.template" = "s3://${var.lake_bucket}/parking-data/${local.hours}"
  })
  dynamic "partition_keys" {
    for_each = local.partitions
    content {
      name = partition_keys.value
      type = "string"
    }
  }
  storage_descriptor {
    location      = "s3://${var.lake_bucket}/parking-data/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }
    dynamic "columns" {
      for_each = local.columns
      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }
}

resource "aws_glue_catalog_table" "old" {
  database_name = aws_glue_catalog_database.this.name
  name          = "parking_data_json"
  table_type    = "EXTERNAL_TABLE"
  parameters = merge(local.projection, {
    "EXTERNAL"                  = "TRUE"
    "classification"            = "json"
    "storage.location.template" = "s3://${var.lake_bucket}/raw/realtime/${local.hours}"
  })
  dynamic "partition_keys" {
    for_each = local.partitions
    content {
      name = partition_keys.value
      type = "string"
    }
  }
  storage_descriptor {
    location      = "s3://${var.lake_bucket}/raw/realtime/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
    }
    dynamic "columns" {
      for_each = local.old_columns
      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }
}
