# What would be deleted before it grew cold is refused, before AWS is asked.
mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "lotkeeper-test"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/test"
}

run "ages_as_they_are_by_default" {
  command = plan
  assert {
    condition     = length(aws_s3_bucket_server_side_encryption_configuration.data) == 2
    error_message = "The lake and the results are to be encrypted by our key."
  }
}

run "refuses_to_delete_before_it_is_cold" {
  command = plan
  variables {
    cold_days = 400
    keep_days = 300
  }
  expect_failures = [var.keep_days]
}
