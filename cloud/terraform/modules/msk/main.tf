# Kafka, where a deployment has it in the place of Kinesis. Who speaks to it says so by IAM, over TLS.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7.0"
    }
  }
}

resource "aws_security_group" "brokers" {
  name        = "${var.name}-brokers"
  description = "Kafka brokers"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "functions" {
  security_group_id            = aws_security_group.brokers.id
  description                  = "Kafka with IAM from functions"
  referenced_security_group_id = var.functions_group
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

# Lambda's poller stands in the brokers' own group.
resource "aws_vpc_security_group_ingress_rule" "poller" {
  security_group_id            = aws_security_group.brokers.id
  description                  = "Kafka with IAM from the poller"
  referenced_security_group_id = aws_security_group.brokers.id
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

resource "aws_vpc_security_group_egress_rule" "poller" {
  security_group_id            = aws_security_group.brokers.id
  description                  = "Kafka with IAM to brokers"
  referenced_security_group_id = aws_security_group.brokers.id
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

# The poller asks Lambda and STS, by the network's endpoints.
resource "aws_vpc_security_group_egress_rule" "endpoints" {
  security_group_id = aws_security_group.brokers.id
  description       = "HTTPS to endpoints"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "to_brokers" {
  security_group_id            = var.functions_group
  description                  = "Kafka with IAM"
  referenced_security_group_id = aws_security_group.brokers.id
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

resource "aws_cloudwatch_log_group" "brokers" {
  # checkov:skip=CKV_AWS_338:for finding faults; what happened is kept in the lake
  name              = "/msk/${var.name}"
  retention_in_days = 30
  kms_key_id        = var.kms_key_arn
}

resource "aws_msk_configuration" "this" {
  name           = var.name
  kafka_versions = [var.kafka_version]
  # Two brokers: two copies, and writing goes on with one of them; with three or more a record is
  # acknowledged by two.
  server_properties = <<-EOT
    auto.create.topics.enable=true
    default.replication.factor=${min(3, var.brokers)}
    min.insync.replicas=${min(3, var.brokers) - 1}
    num.partitions=${var.partitions}
    log.retention.hours=168
  EOT
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = var.brokers
  enhanced_monitoring    = "PER_TOPIC_PER_PARTITION" # a group's lag is told by partition
  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnets
    security_groups = [aws_security_group.brokers.id]
    storage_info {
      ebs_storage_info {
        volume_size = var.storage_gb
      }
    }
  }
  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }
  client_authentication {
    sasl {
      iam = true
    }
  }
  encryption_info {
    encryption_at_rest_kms_key_arn = var.kms_key_arn
    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }
  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.brokers.name
      }
    }
  }
}
