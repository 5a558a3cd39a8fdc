"""Terraform held against the AWS provider's schema, without the provider: `make terraform`."""
