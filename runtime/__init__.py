"""What every process needs and none owns: the clock, the configuration file, the MQTT link, systemd."""
