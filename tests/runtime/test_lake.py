"""Where a lake lies."""

from pathlib import Path

import pytest

from cloud.config import LakeSettings
from runtime.config import ConfigError, validated
from runtime.lake import opened


def test_a_folder_is_found_by_its_path_and_by_its_url(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    for url in (str(tmp_path), f"{tmp_path}/", tmp_path.as_uri()):
        system, root = opened(url)
        with system.open_input_stream(f"{root}/a") as stream:
            assert stream.read() == b"1"


def test_a_bucket_has_a_prefix() -> None:
    assert opened("s3://bucket/some/prefix/?region=eu-central-1")[1] == "bucket/some/prefix"


def test_a_key_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="url: holds a key") as refused:
        validated({"url": "s3://AKIA:hunter2@bucket/lake"}, LakeSettings, "cloud.toml")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["ftp://host/lake", "https://bucket.example/lake"])
def test_another_kind_of_place_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"url.*write a folder, or s3://bucket/prefix"):
        validated({"url": url}, LakeSettings, "cloud.toml")
