# All of it is planned and made, with invented answers in AWS's place.
mock_provider "aws" {
  source = "../../mocks"
}

variables {
  region    = "eu-central-1"
  image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/lotkeeper@sha256:0"
  emails    = ["somebody@example.org"]
  lots      = ["deck"]
  time_zone = "Europe/Berlin"

  console_image        = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/lotkeeper-console@sha256:0"
  console_password_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:first-AbCdEf"
  backfill_image       = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/backfill@sha256:0"
}

run "plan" {
  command = plan
}

run "apply" {
  assert {
    condition     = output.deployment.stream_name == "lotkeeper-prod-parking-events"
    error_message = "Gateways are to be told their stream."
  }
  assert {
    condition     = startswith(output.deployment.dsn, "host=")
    error_message = "Postgres is to be found."
  }
  assert {
    condition     = output.deployment.backfill.role_arn != null
    error_message = "Old files are to have their application."
  }
}
