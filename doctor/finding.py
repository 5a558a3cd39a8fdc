"""Short ways to say how something is. Pure."""

from agent.tools.findings import Finding, Level

SHIPPED = "/usr/share/lotkeeper/firmware-config"
"""Where the packages put firmware-config/."""


def ok(where: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, where, says)


def note(where: str, says: str, mend: str) -> Finding:
    """Worth a look, and no fault."""
    return Finding(Level.NOTE, where, says, mend)


def bad(where: str, says: str, mend: str) -> Finding:
    """A fault; `mend` is the command."""
    return Finding(Level.BAD, where, says, mend)
