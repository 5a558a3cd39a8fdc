"""Proof that nothing is lost: the real agents, gateway and sinks in a world that a seed makes."""
