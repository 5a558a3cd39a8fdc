"""The installer's tools: from wiring to a calibrated bay, each a verb of `lotkeeper agent`."""
