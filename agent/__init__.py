"""The agent: one process a Pi, from sampling and detecting to its spool and MQTT."""
