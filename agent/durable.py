"""Files that are there whole or as they were, whatever is cut off and when."""

import os
from pathlib import Path


def beside(path: Path, text: str) -> Path:
    """`text`, synced, in a new file beside `path`, for `swap`. Raises OSError."""
    new = path.with_name(path.name + ".new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return new


def swap(*new: Path) -> None:
    """Put what `beside` wrote into its place, and the folder with it. Raises OSError."""
    for each in new:
        os.replace(each, each.with_suffix(""))
    handle = os.open(new[0].parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
