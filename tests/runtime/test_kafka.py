"""What the brokers are given: a token for MSK, and options that librdkafka takes."""

import base64
import time

import pytest

from runtime.kafka import iam_token


def test_iam_token_is_signed_for_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aws_msk_iam_sasl_signer", reason="needs the extra [kafka]")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    token, expires_s = iam_token("eu-central-1")
    url = base64.urlsafe_b64decode(token + "==").decode()
    assert url.startswith("https://kafka.eu-central-1.amazonaws.com/")
    assert "AKIDEXAMPLE" in url
    assert expires_s == pytest.approx(time.time() + 900, abs=30)
