"""Where a lake lies: a folder or a bucket, behind pyarrow's file systems."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from runtime.config import InlineSecret

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


_SCHEMES = ("file", "s3")


def _check(url: str) -> str:
    scheme, apart, _ = url.partition("://")
    if apart and "@" in urlsplit(url).netloc:
        raise InlineSecret("holds a key: give this user AWS credentials (a profile or a role)")
    if apart and scheme not in _SCHEMES:
        raise ValueError(
            f"{scheme}:// is no place for a lake: write a folder, or s3://bucket/prefix"
        )
    return url


LakeUrl = Annotated[str, AfterValidator(_check)]
"""A folder's path, or `s3://bucket/prefix?region=...`."""


def opened(url: str) -> "tuple[FileSystem, str]":
    """The file system of `url`, and the lake's path in it. Raises OSError, pyarrow.ArrowInvalid."""
    from pyarrow import fs

    if "://" in url:
        system, root = fs.FileSystem.from_uri(url)
        return system, root.rstrip("/")
    return fs.LocalFileSystem(), str(Path(url).resolve()).rstrip("/")
