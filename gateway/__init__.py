"""The gateway: one process a lot, from MQTT to displays, alerts, the gate and the cloud."""
