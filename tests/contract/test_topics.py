"""Topics go both ways, and nothing foreign or deeper is taken for ours."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.topics import AgentTopic, Channel, RequestTopic, Topics, checked, parse
from contract.words import ID_PATTERN

IDS = st.from_regex(re.compile(ID_PATTERN[:-1] + r"\Z"), fullmatch=True)
CHANNELS = get_args(Channel)


@given(IDS, IDS, st.sampled_from(CHANNELS))
def test_an_agents_topic_goes_there_and_back(lot: str, agent: str, channel: Channel) -> None:
    assert parse(Topics(lot).agent(agent, channel)) == AgentTopic(lot, agent, channel)


@given(IDS, IDS)
def test_a_request_goes_there_and_back(lot: str, name: str) -> None:
    assert parse(Topics(lot).request(name)) == RequestTopic(lot, name)


@given(IDS, IDS)
def test_what_the_gateway_publishes_is_no_message_to_it(lot: str, name: str) -> None:
    topics = Topics(lot)
    own = [topics.spot(name), topics.zone(name), topics.alert(name), topics.response(name)]
    own += [topics.occupancy, topics.gateway_health, topics.gateway_info]
    assert [parse(topic) for topic in own] == [None] * 7
    assert len(set(own)) == 7
    assert all(topic.startswith(f"{topics.root}/") for topic in own)


@given(st.text(max_size=80))
def test_a_text_is_an_id_or_refused(text: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9_.\-]{1,64}", text):
        assert checked(text) == text
    else:
        with pytest.raises(ValueError, match="is not an id: 1 to 64 of"):
            checked(text)


@given(st.text(alphabet="/+#$ pi-7\0\n", max_size=40))
def test_no_text_under_the_prefix_breaks_the_parser(rest: str) -> None:
    assert parse(f"parking/v1/{rest}") is None


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "parking/v1",
        "parking/v2/lot/agents/pi/events",
        "Parking/v1/lot/agents/pi/events",
        "/parking/v1/lot/agents/pi/events",
        "x/parking/v1/lot/agents/pi/events",
        "parking/v1/lot/agents/pi/events/",
        "parking/v1/lot/agents/pi/events/A1",
        "parking/v1/lot/agents/pi/eventsx",
        "parking/v1/lot/agents/pi/",
        "parking/v1/lot/agents//events",
        "parking/v1//agents/pi/events",
        "parking/v1/lot/agents/pi/events\n",
        "parking/v1/lot/agents/+/events",
        "parking/v1/#",
        "parking/v1/lot/agents/" + "p" * 65 + "/events",
        "parking/v1/lot/gateway/request",
        "parking/v1/lot/gateway/request/status/more",
        "parking/v1/lot/gateway/response/status",
        "$SYS/broker/uptime",
    ],
)
def test_a_foreign_or_deeper_topic_is_none_of_ours(topic: str) -> None:
    assert parse(topic) is None


def matches(filter_: str, topic: str) -> bool:
    """MQTT 3.1.1 section 4.7: `+` is one level."""
    levels, wanted = topic.split("/"), filter_.split("/")
    return len(levels) == len(wanted) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )


@given(IDS, IDS, st.sampled_from(CHANNELS))
def test_the_filters_take_in_what_is_built(lot: str, name: str, channel: Channel) -> None:
    topics = Topics(lot)
    assert matches(topics.all_agents(channel), topics.agent(name, channel))
    assert matches(topics.all_requests, topics.request(name))
    assert not matches(topics.all_requests, topics.response(name))


@pytest.mark.parametrize("bad", ["", "a/b", "+", "#", "lot 1"])
def test_no_topic_is_built_of_what_is_no_id(bad: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        Topics(bad)
    topics = Topics("lot")
    for build in (topics.spot, topics.zone, topics.alert, topics.request, topics.response):
        with pytest.raises(ValueError, match="is not an id"):
            build(bad)
    with pytest.raises(ValueError, match="is not an id"):
        topics.agent(bad, "events")
