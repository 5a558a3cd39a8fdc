"""Every parser of a stream: nothing crashes it, nothing is lost, it is soon in step again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality, ld2410c, maxbotix, tfmini
from drivers._frames import Framing, distance, distance_framing, ranged
from drivers.testing.frames import distance_frame, lidar_frame, radar_report

ENERGY = st.integers(0, 100)
TARGET = st.tuples(st.integers(0, 0xFFFF), ENERGY)
LIDAR = st.builds(
    lidar_frame, st.integers(-4, 12_000), st.integers(0, 0xFFFF), st.integers(-40, 85)
)
RADAR = st.builds(
    radar_report, st.integers(0, 6), TARGET, TARGET, st.sampled_from([b"", bytes(22), bytes(51)])
)
LINE = st.builds(
    lambda number, end: f"R{number:04}{end}".encode(),
    st.integers(0, 9999),
    st.sampled_from(["\r", " \r"]),
)
SHORT_LINE = st.integers(0, 999).map(lambda number: f"R{number:03}\r".encode())
FRAMINGS = {
    "distance": (distance_framing(), st.integers(0, 0xFFFF).map(distance_frame)),
    "distance without header in sum": (
        distance_framing(header_in_sum=False),
        st.integers(0, 0xFFFF).map(lambda number: distance_frame(number, header_in_sum=False)),
    ),
    "lidar": (tfmini.FRAMING, LIDAR),
    "radar": (ld2410c.FRAMING, RADAR),
    "sonar in mm": (maxbotix.framing(4), LINE),
    "sonar in cm": (maxbotix.framing(3), SHORT_LINE),
}
EACH = pytest.mark.parametrize(("framing", "frame"), list(FRAMINGS.values()), ids=list(FRAMINGS))
LONGEST = ld2410c.AROUND_BYTES + ld2410c.LONGEST_BYTES


def noise() -> st.SearchStrategy[bytes]:
    """Any bytes, with many that begin a frame."""
    heads = st.sampled_from([b"\xff", b"R", b"R0", b"Y", b"YY", b"\xf4\xf3", b"\xf4\xf3\xf2\xf1"])
    return st.lists(st.binary(max_size=8) | heads, max_size=12).map(b"".join)


@EACH
@given(data=st.data())
def test_every_byte_is_a_frames_or_skipped_or_rest(
    framing: Framing, frame: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    stream = b"".join(data.draw(st.lists(noise() | frame, max_size=8)))
    frames = framing.parse(stream)
    assert sum(map(len, frames.whole)) + frames.skipped + len(frames.rest) == len(stream)
    assert len(frames.rest) < LONGEST
    assert stream.endswith(frames.rest)


@EACH
@given(data=st.data())
def test_after_any_noise_it_is_in_step_within_a_frame(
    framing: Framing, frame: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    # What the noise ends with may, with the next frame's bytes, be a good frame by chance.
    sent = data.draw(st.lists(frame, min_size=3, max_size=6))
    # A report's head in the noise may ask for as many bytes as the longest report has.
    sent += [sent[-1]] * (LONGEST // len(sent[-1]) + 1)
    found = framing.parse(data.draw(noise()) + b"".join(sent)).whole
    lost = len(sent) - len(found)
    assert lost <= 1
    assert found[-len(sent) + 2 :] == sent[2:]


@EACH
@given(data=st.data(), size=st.integers(1, 70))
def test_frames_cut_anywhere_are_put_together_and_none_is_lost(
    framing: Framing, frame: st.SearchStrategy[bytes], data: st.DataObject, size: int
) -> None:
    sent = data.draw(st.lists(frame, max_size=10))
    stream, found, rest = b"".join(sent), [], b""
    for at in range(0, len(stream), size):
        frames = framing.parse(rest + stream[at : at + size])
        found += frames.whole
        rest = frames.rest
        assert frames.skipped == 0
    assert found == sent
    assert rest == b""


@given(st.integers(0, 0xFFFF), st.booleans())
def test_a_distance_frame_keeps_its_number(number: int, header_in_sum: bool) -> None:
    frames = distance_framing(header_in_sum).parse(distance_frame(number, header_in_sum))
    assert [distance(frame) for frame in frames.whole] == [number]


def test_a_bad_sum_costs_no_more_than_its_own_frame() -> None:
    good = distance_frame(1953)
    assert distance_framing().parse(good[:3] + b"\x00" + good) == ([good], 4, b"")


def test_a_frame_that_begins_inside_a_bad_one_is_found() -> None:
    good = distance_frame(1953)
    assert distance_framing().parse(b"\xff\x07" + good) == ([good], 2, b"")


def test_a_frames_beginning_is_kept_for_the_next_bytes() -> None:
    good = distance_frame(1953)
    assert distance_framing().parse(good + good[:3]) == ([good], 0, good[:3])


@pytest.mark.parametrize("header_in_sum", [True, False])
def test_the_other_sum_is_refused(header_in_sum: bool) -> None:
    other = distance_frame(1953, not header_in_sum)
    assert distance_framing(header_in_sum).parse(other).whole == []


@pytest.mark.parametrize(
    ("distance_mm", "quality"),
    [
        (-1, Quality.NO_ECHO),
        (0, Quality.NO_ECHO),
        (1, Quality.BLOCKED),
        (29, Quality.BLOCKED),
        (30, Quality.OK),
        (4500, Quality.OK),
        (4501, Quality.NO_ECHO),
    ],
)
def test_zero_is_never_near(distance_mm: int, quality: Quality) -> None:
    raw: Any = object()
    reading = ranged(distance_mm, 30, 4500, raw, 3.0, temperature_c=21.0)
    assert reading.quality is quality
    assert reading.value == (distance_mm if quality is Quality.OK else None)
    assert (reading.raw, reading.monotonic_s, reading.temperature_c) == (raw, 3.0, 21.0)
