"""The room of displays: what people at the gate and on the ramps are shown."""
