# One stream or the other, never both.
mock_provider "aws" {
  source = "../../mocks"
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

# Made, and not planned alone: what is known only then must fit too.
run "msk_made" {
  variables {
    stream = "msk"
  }
  assert {
    condition     = output.bootstrap_servers != null && output.stream_name == null
    error_message = "Gateways are to be told the brokers."
  }
}

run "console" {
  variables {
    console_image        = "image@sha256:0"
    console_password_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:first-AbCdEf"
  }
  assert {
    condition     = length(module.console) == 1
    error_message = "The console where its image is named."
  }
}

run "refuses_another" {
  command = plan
  variables {
    stream = "rabbit"
  }
  expect_failures = [var.stream]
}
