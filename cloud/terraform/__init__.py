"""AWS by Terraform; `check` tells whether the provider's own schema agrees."""
