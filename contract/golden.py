"""The golden messages: one file each, read by every side's tests, so that all mean the same."""

from pathlib import Path

FOLDER = Path(__file__).parent / "examples"


def golden(name: str) -> bytes:
    """The message `contract/examples/{name}.json` as it goes over the wire.

    Raises KeyError with the names there are.

    >>> golden("agent_will").decode().split()
    ['{', '"session_id":', '"s-20240320T060005",', '"status":', '"down"', '}']
    """
    try:
        return (FOLDER / f"{name}.json").read_bytes()
    except FileNotFoundError:
        raise KeyError(f"no golden message {name!r}: there are {', '.join(names())}") from None


def names() -> list[str]:
    """Every golden message."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))
