"""What the peers are sent, and that it comes back out of what they send on."""

import json
from collections import defaultdict
from itertools import pairwise

from bench.peers.load import BAYS, SENDERS, events_of, payload, topic_of
from bench.peers.uplink import PROBE, Arrivals, events_in


def test_each_bay_has_its_events_in_growing_order() -> None:
    numbers = defaultdict(list)
    for sender in range(SENDERS):
        for bay, number in events_of(sender, 100):
            numbers[bay].append(number)
    assert len(numbers) == BAYS
    assert all(each == sorted(set(each)) for each in numbers.values())


def test_a_bay_changes_with_each_of_its_events() -> None:
    """A peer that drops what does not change would drop nothing."""
    mine = [number for bay, number in events_of(0, 200) if bay == "b0-3"]
    statuses = [json.loads(payload("b0-3", number))["status"] for number in mine]
    assert len(statuses) > 5
    assert all(one != other for one, other in pairwise(statuses))


def test_no_two_events_of_a_bay_have_one_time() -> None:
    mine = [number for bay, number in events_of(0, 200) if bay == "b0-3"]
    times = {json.loads(payload("b0-3", number))["ts"] for number in mine}
    assert len(times) == len(mine)


def test_a_bridges_message_is_the_event_itself() -> None:
    assert events_in(topic_of("b1-2"), payload("b1-2", 7)) == [("b1-2", 7)]


def test_thingsboards_telemetry_holds_many() -> None:
    body = {
        "b1": [{"ts": 1, "values": {"n": 1}}, {"ts": 2, "values": {"n": 26}}],
        "b2": [{"ts": 3, "values": {"n": 2}}],
    }
    found = events_in("v1/gateway/telemetry", json.dumps(body).encode())
    assert found == [("b1", 1), ("b1", 26), ("b2", 2)]


def test_a_probe_says_that_the_way_is_open_and_is_not_counted() -> None:
    arrivals = Arrivals()
    arrivals.take([("b1", 1)])
    assert not arrivals.probed.is_set()
    arrivals.take([(PROBE, 1), ("b1", 2)])
    assert arrivals.probed.is_set()
    assert arrivals.events == [("b1", 1), ("b1", 2)]
