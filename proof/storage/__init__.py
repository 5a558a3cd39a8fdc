"""The stores against their disk: what was written and synced, and every way that can end."""
