"""The operator's tools: what reads opens the database read-only, what changes asks its owner."""
