"""Lotkeeper keeps the truth about a parking lot, from the sensor in a bay to the cloud."""

__version__ = "0.1.0"
