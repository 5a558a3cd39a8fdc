"""The cloud's side: takes in what gateways forward. Never installed on a Pi."""
