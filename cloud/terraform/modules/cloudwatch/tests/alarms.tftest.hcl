# A lot that is named has an alarm of its silence, where no data is the fault; each stream has its own.
mock_provider "aws" {}

variables {
  name          = "lotkeeper-test"
  kms_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/test"
  functions     = { kinesis_present = "p", door = "d", analyse = "a" }
  stream_name   = "s"
  firehose_name = "f"
  expired_queue = "q"
  lake_bucket   = "b"
  workgroup     = "w"
  database      = "d"
  lots          = ["deck"]
}

run "of_kinesis" {
  command = plan
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["silent-deck"].treat_missing_data == "breaching"
    error_message = "Silence is no data."
  }
  assert {
    condition     = contains(keys(aws_cloudwatch_metric_alarm.this), "lag")
    error_message = "The function's lag is to be watched."
  }
}

run "of_msk" {
  command = plan
  variables {
    functions     = { msk_present = "p", msk_lake = "l", door = "d", analyse = "a" }
    stream_name   = null
    firehose_name = null
    cluster_name  = "c"
    brokers       = 3
  }
  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.this) : key if startswith(key, "broker-disk-")]) == 3
    error_message = "Each broker's disk is to be watched."
  }
}
