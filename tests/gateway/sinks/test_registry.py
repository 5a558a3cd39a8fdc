from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.sinks import registry


def test_builds_by_kind(tmp_path: Path) -> None:
    sink = registry.build("file", {"path": str(tmp_path)})
    assert type(sink) is registry.load("file").Sink


def test_unknown_kind_names_the_known() -> None:
    with pytest.raises(ValueError, match="'ftp': use one of file, history, http, kafka, kinesis"):
        registry.build("ftp", {})


def test_unknown_option_is_named() -> None:
    with pytest.raises(ValidationError, match="pathh"):
        registry.build("file", {"pathh": "/tmp"})
