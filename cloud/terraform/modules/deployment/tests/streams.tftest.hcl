# One stream or the other, never both.
mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b"] }
  }
}

variables {
  name      = "lotkeeper-test"
  image_uri = "image@sha256:0"
  emails    = ["somebody@example.org"]
}

run "kinesis" {
  command = plan
  assert {
    condition     = length(module.kinesis) == 1 && length(module.firehose) == 1 && length(module.msk) == 0
    error_message = "Kinesis and Firehose alone."
  }
}

run "kinesis_by_function" {
  command = plan
  variables {
    lake_by_function = true
  }
  assert {
    condition     = length(module.firehose) == 0 && contains(keys(module.lambdas.names), "kinesis_lake")
    error_message = "The function in Firehose's place."
  }
}

run "msk" {
  command = plan
  variables {
    stream = "msk"
  }
  assert {
    condition     = length(module.msk) == 1 && length(module.kinesis) == 0 && length(module.firehose) == 0
    error_message = "MSK alone."
  }
}

run "refuses_another" {
  command = plan
  variables {
    stream = "rabbit"
  }
  expect_failures = [var.stream]
}
