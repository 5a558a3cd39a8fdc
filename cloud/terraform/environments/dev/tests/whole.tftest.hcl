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
}

run "plan" {
  command = plan
}

run "apply" {
  assert {
    condition     = output.deployment.stream_name == "lotkeeper-dev-parking-events"
    error_message = "Gateways are to be told their stream."
  }
  assert {
    condition     = startswith(output.deployment.dsn, "host=")
    error_message = "Postgres is to be found."
  }
}
