"""One process a Pi: sample, detect, spool, publish."""
