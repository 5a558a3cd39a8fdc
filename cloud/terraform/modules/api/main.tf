# The front door before its function. Tokens are checked by the function, not here.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

resource "aws_apigatewayv2_api" "door" {
  name          = "${var.name}-door"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "door" {
  api_id                 = aws_apigatewayv2_api.door.id
  integration_type       = "AWS_PROXY"
  integration_uri        = var.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "events" {
  # checkov:skip=CKV_AWS_309:the function checks tokens, each for its lots
  api_id    = aws_apigatewayv2_api.door.id
  route_key = "POST /v1/events"
  target    = "integrations/${aws_apigatewayv2_integration.door.id}"
}

resource "aws_cloudwatch_log_group" "access" {
  # checkov:skip=CKV_AWS_338:for finding faults; what happened is kept in the lake
  name              = "/apigateway/${var.name}-door"
  retention_in_days = 30
  kms_key_id        = var.kms_key_arn
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.door.id
  name        = "$default"
  auto_deploy = true
  default_route_settings {
    throttling_rate_limit  = var.requests_per_second
    throttling_burst_limit = var.requests_per_second * 2
  }
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    # Never the header with the token.
    format = jsonencode({
      at     = "$context.requestTime", ip = "$context.identity.sourceIp", route = "$context.routeKey",
      status = "$context.status", bytes = "$context.responseLength", error = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_lambda_permission" "door" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = var.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.door.execution_arn}/*/POST/v1/events"
}
