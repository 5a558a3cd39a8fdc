"""A flood is bounded, and goes nowhere but to test hosts."""

import pytest

from simulator import hostile


@pytest.mark.parametrize(
    ("address", "seconds"), [("127.0.0.1", 1), ("192.0.2.1", 1), ("198.18.0.1", 61)]
)
def test_no_flood_leaves_the_test_hosts_or_lasts(address: str, seconds: float) -> None:
    with pytest.raises(ValueError, match="only test hosts, for 60 s at most"):
        hostile.flood(address, "a", 0, b"", seconds)


def test_a_packet_is_as_long_as_it_says() -> None:
    """Red with 0x80 left out between the digits of a length (MQTT 3.1.1, table 2.4)."""
    packet = hostile.message("a", bytes(16_381))
    assert packet[:4] == b"\x30\x80\x80\x01"
    assert len(packet) == 4 + 16_384
