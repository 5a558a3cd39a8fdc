# What outlives the container: people, tokens, targets, the audit log. One console at a time writes it.
resource "aws_security_group" "people" {
  name        = "${var.name}-console-people"
  description = "Where the console keeps its people"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "people" {
  security_group_id            = aws_security_group.people.id
  description                  = "From the console"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
}

resource "aws_vpc_security_group_egress_rule" "people" {
  security_group_id            = aws_security_group.task.id
  description                  = "To where its people are kept"
  referenced_security_group_id = aws_security_group.people.id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
}

resource "aws_efs_file_system" "people" {
  creation_token = "${var.name}-console"
  encrypted      = true
  kms_key_id     = var.kms_key_arn
}

resource "aws_efs_backup_policy" "people" {
  file_system_id = aws_efs_file_system.people.id
  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_efs_mount_target" "people" {
  count           = length(var.subnets)
  file_system_id  = aws_efs_file_system.people.id
  subnet_id       = var.subnets[count.index]
  security_groups = [aws_security_group.people.id]
}

resource "aws_efs_access_point" "people" {
  file_system_id = aws_efs_file_system.people.id
  posix_user {
    uid = 10001 # the image's
    gid = 10001
  }
  root_directory {
    path = "/console"
    creation_info {
      owner_uid   = 10001
      owner_gid   = 10001
      permissions = "0700"
    }
  }
}
