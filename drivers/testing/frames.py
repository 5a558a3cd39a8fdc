"""What serial sensors send: the sensor's side of the wire."""


def distance_frame(number: int, header_in_sum: bool = True) -> bytes:
    """`FF H L SUM` of the A02YYUW and its kin."""
    body = b"\xff" + number.to_bytes(2, "big")
    return body + bytes([sum(body if header_in_sum else body[1:]) & 0xFF])


def lidar_frame(distance_cm: int, strength: int = 1000, temperature_c: float = 25.0) -> bytes:
    """A frame of the TFmini family; distances below 0 are its error codes."""
    body = b"\x59\x59" + distance_cm.to_bytes(2, "little", signed=True)
    body += strength.to_bytes(2, "little") + round((temperature_c + 256) * 8).to_bytes(2, "little")
    return body + bytes([sum(body) & 0xFF])


def radar_report(
    state: int, moving: tuple[int, int] = (0, 0), still: tuple[int, int] = (0, 0), more: bytes = b""
) -> bytes:
    """A report of the LD2410C. Targets are (cm, energy); `more` is engineering mode's."""
    data = bytes([0x01 if more else 0x02, 0xAA, state])
    for distance_cm, energy in (moving, still):
        data += distance_cm.to_bytes(2, "little") + bytes([energy])
    data += b"\x00\x00" + more + b"\x55\x00"
    length = len(data).to_bytes(2, "little")
    return bytes.fromhex("F4F3F2F1") + length + data + bytes.fromhex("F8F7F6F5")
