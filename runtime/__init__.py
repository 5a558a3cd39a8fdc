"""What every process needs and none owns: clock, configuration file, MQTT link, systemd."""
