# A console over the fleet, behind a load balancer that only CloudFront reaches: the present from
# Postgres, the analytics job's tables from the lake.
#
# Its configuration depends on what is made here, so it is no part of the image: it is rendered from
# console.toml.tftpl and written before the console starts. The balancer speaks TLS to it and looks at
# no certificate, so one is made at each start.
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
  config = templatefile("${path.module}/console.toml.tftpl", {
    port     = var.port
    dsn      = var.dsn
    region   = data.aws_region.this.id
    lake_url = "s3://${var.lake_bucket}?region=${data.aws_region.this.id}"
  })
  # The first who may log in is made of the secret where nobody of that name is there yet.
  start = join("\n", [
    "umask 077",
    "printf %s \"$LOTKEEPER_TOML\" > /tmp/console.toml",
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=console -keyout /tmp/https.key -out /tmp/https.crt 2> /tmp/openssl.log || exit 1",
    "printf '%s\\n' \"$LOTKEEPER_FIRST_PASSWORD\" | python -m lotkeeper console user add admin --scope admin -c /tmp/console.toml",
    "unset LOTKEEPER_FIRST_PASSWORD LOTKEEPER_TOML",
    "exec python -m lotkeeper console run -c /tmp/console.toml",
  ])
}

data "aws_region" "this" {}
data "aws_vpc" "this" {
  id = var.vpc_id
}
data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}
data "aws_ec2_managed_prefix_list" "s3" {
  name = "com.amazonaws.${data.aws_region.this.id}.s3"
}
data "aws_cloudfront_cache_policy" "never" {
  name = "Managed-CachingDisabled"
}
data "aws_cloudfront_cache_policy" "long" {
  name = "Managed-CachingOptimized"
}
data "aws_cloudfront_origin_request_policy" "all" {
  name = "Managed-AllViewer"
}
data "aws_cloudfront_response_headers_policy" "safe" {
  name = "Managed-SecurityHeadersPolicy"
}

resource "aws_security_group" "balancer" {
  name        = "${var.name}-console-balancer"
  description = "The console's load balancer"
  vpc_id      = var.vpc_id
}

resource "aws_security_group" "task" {
  name        = "${var.name}-console"
  description = "The console"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  # checkov:skip=CKV_AWS_260:a list of CloudFront's own addresses, not everybody's
  security_group_id = aws_security_group.balancer.id
  description       = "HTTP from CloudFront, within AWS's network"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "To the console"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_vpc_security_group_ingress_rule" "task" {
  security_group_id            = aws_security_group.task.id
  description                  = "From the load balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

# The image's layers come from S3, the rest by endpoints.
resource "aws_vpc_security_group_egress_rule" "endpoints" {
  security_group_id = aws_security_group.task.id
  description       = "HTTPS to endpoints"
  cidr_ipv4         = data.aws_vpc.this.cidr_block
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.task.id
  description       = "HTTPS to S3"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.s3.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "database" {
  security_group_id            = aws_security_group.task.id
  description                  = "To the database"
  referenced_security_group_id = var.database_group
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = var.database_group
  description                  = "From the console"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_150:it holds nothing, and is made again in minutes
  # checkov:skip=CKV2_AWS_20:no certificate is given for the name of an inner balancer; this way lies within AWS's network
  name                       = "${var.name}-c"
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnets
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true
  access_logs {
    enabled = true
    bucket  = var.logs_bucket
    prefix  = "console"
  }
}

resource "aws_lb_target_group" "this" {
  name        = "${var.name}-c"
  target_type = "ip"
  protocol    = "HTTPS"
  port        = var.port
  vpc_id      = var.vpc_id
  health_check {
    protocol = "HTTPS"
    path     = var.health_path
    matcher  = "200-399"
  }
  # A page holds a web socket with one process.
  stickiness {
    type    = "lb_cookie"
    enabled = true
  }
}

resource "aws_lb_listener" "this" {
  # checkov:skip=CKV_AWS_2:no certificate is given for the name of an inner balancer; this way lies within AWS's network
  # checkov:skip=CKV_AWS_103:no certificate is given for the name of an inner balancer; this way lies within AWS's network
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:for finding faults; what happened is kept in the lake
  name              = "/ecs/${var.name}-console"
  retention_in_days = 30
  kms_key_id        = var.kms_key_arn
}

resource "aws_ecs_cluster" "this" {
  # checkov:skip=CKV_AWS_65:one container; paid by the metric
  name = "${var.name}-console"
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.name}-console"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.task.arn
  volume {
    name = "people"
    efs_volume_configuration {
      file_system_id     = aws_efs_file_system.people.id
      transit_encryption = "ENABLED"
      authorization_config {
        access_point_id = aws_efs_access_point.people.id
        iam             = "ENABLED"
      }
    }
  }
  container_definitions = jsonencode([{
    name         = "console"
    image        = var.image_uri
    essential    = true
    entryPoint   = ["/bin/sh", "-c", local.start]
    command      = []
    environment  = [{ name = "LOTKEEPER_TOML", value = local.config }]
    secrets      = [{ name = "LOTKEEPER_FIRST_PASSWORD", valueFrom = var.password_secret_arn }]
    mountPoints  = [{ sourceVolume = "people", containerPath = "/var/lib/lotkeeper-console" }]
    portMappings = [{ containerPort = var.port }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.this.id
        awslogs-stream-prefix = "console"
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  name            = "console"
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.this.arn
  launch_type     = "FARGATE"
  desired_count   = 1 # a page is its process's, and one process writes the store
  # The old one ends before the new one begins.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  network_configuration {
    subnets         = var.subnets
    security_groups = [aws_security_group.task.id]
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "console"
    container_port   = var.port
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  depends_on = [aws_lb_listener.this, aws_efs_mount_target.people, aws_iam_role_policy.start]
}

resource "aws_cloudfront_vpc_origin" "this" {
  vpc_origin_endpoint_config {
    name                   = "${var.name}-console"
    arn                    = aws_lb.this.arn
    http_port              = 80
    https_port             = 443
    origin_protocol_policy = "http-only"
    origin_ssl_protocols {
      items    = ["TLSv1.2"]
      quantity = 1
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  # checkov:skip=CKV_AWS_68:paid by the month and the request; the console has accounts, and lets who guesses wait
  # checkov:skip=CKV2_AWS_47:no Java behind it
  # checkov:skip=CKV_AWS_86:to a bucket with ACLs alone, which ours have not; the balancer's log has each request
  # checkov:skip=CKV_AWS_174:CloudFront's own name has CloudFront's certificate, and the version is not ours to say
  # checkov:skip=CKV2_AWS_42:a name of one's own needs a domain
  # checkov:skip=CKV_AWS_374:an operator may be anywhere
  # checkov:skip=CKV_AWS_310:there is one console
  # checkov:skip=CKV_AWS_305:the console answers at /
  enabled = true
  comment = "${var.name} console"
  origin {
    origin_id   = "console"
    domain_name = aws_lb.this.dns_name
    vpc_origin_config {
      vpc_origin_id = aws_cloudfront_vpc_origin.this.id
    }
  }
  default_cache_behavior {
    target_origin_id           = "console"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = data.aws_cloudfront_cache_policy.never.id
    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.all.id
    response_headers_policy_id = data.aws_cloudfront_response_headers_policy.safe.id
  }
  dynamic "ordered_cache_behavior" {
    for_each = var.static_paths
    content {
      path_pattern               = ordered_cache_behavior.value
      target_origin_id           = "console"
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = ["GET", "HEAD"]
      cached_methods             = ["GET", "HEAD"]
      cache_policy_id            = data.aws_cloudfront_cache_policy.long.id
      response_headers_policy_id = data.aws_cloudfront_response_headers_policy.safe.id
      compress                   = true
    }
  }
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    cloudfront_default_certificate = true
  }
}
