"""The people's side of one or more lots: an HTTP API over what their gateways hold and say."""
