"""What must be true at the end of every world, whatever happened in it.

- the books: accepted = delivered + waiting + dead-lettered + dropped, for each agent and sink;
- each record that an agent committed is at each sink, or in the dead letters for a reason that
  the plan gives, or counted in a gap, or was beyond the agent's retention when a gateway's store
  was replaced; at the sinks each says what the agent said;
- nothing stands twice in a gateway's spool, nor twice on disk;
- each spot's records come in their order, once those that come again are left out;
- each change at a spot whose agent ran and whose sensor answered is told, at its time;
- a time that calls itself synced is right where the clock that gave it was never wrong;
- what the gateway itself says arrives as it was said, on each subject in its order, and at the end
  that each agent is heard; heartbeats come in the order of their making;
- a snapshot says what was so at its seq; what is marked historical follows a snapshot; what
  happens when nothing waits is not marked;
- at the end every spot is known and true, at the display and to a reader of each sink.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from proof import cars
from proof.ledger import Place, Told
from proof.letters import excused, gaps
from proof.lot import SINKS
from proof.machine import BEGIN

if TYPE_CHECKING:
    from proof.world import World

Record = Mapping[str, Any]
SPOT_EVENTS = ("ARRIVAL", "DEPARTURE", "STATUS")
STATUS = {"vacant": "free", "occupied": "occupied", "unknown": "unknown"}
CLOCK_S = 0.05


def judge(world: "World", marks: Mapping[str, int]) -> None:
    """Report every promise that was broken to the world."""
    told = {place: each for agent in world.agents for place, each in agent.ledger.told.items()}
    _judge_books(world)
    _judge_gateways(world)
    cars.judge(world)
    at_sinks = {
        "cloud": world.upstream.cloud_records(),
        "disk": world.upstream.disk_records(),
    }
    for sink, records in at_sinks.items():
        _judge_arrival(world, sink, records, told)
        _judge_words(world, sink, records, told)
        _judge_order(world, sink, records)
        _judge_own_words(world, sink, records)
        _judge_present(world, sink, records, marks[sink])
    _judge_disk(world, at_sinks["disk"])
    _judge_occupancy(world)


def place_of(record: Record) -> Place:
    """The identity of a record at a sink."""
    return record["agent_id"], record["epoch"], record["seq"]


def _judge_books(world: "World") -> None:
    for agent in world.agents:
        if agent.store is not None and not agent.store.depth().balanced:
            world.find(f"books of {agent.name}: {agent.store.depth()}")
        if len(agent.ledger.epochs) != 1:
            world.find(f"{agent.name} began {len(agent.ledger.epochs) - 1} epochs for nothing")
    store = world.gateway.store
    if store is None:
        return
    for sink in SINKS:
        if not store.depth(sink).balanced:
            world.find(f"books of {sink}: {store.depth(sink)}")
    if world.gateway.skipped:
        world.find(f"the gateway gave up {world.gateway.skipped} holes that agents could fill")


def _judge_gateways(world: "World") -> None:
    """What a store accepted, it has once: in its spool, or in its dead letters."""
    for ledger in world.gateway.ledgers.values():
        events = [each for place, each in ledger.events.items() if place not in ledger.words]
        if twice := len(events) - len(set(events)):
            example = next(each for each in events if events.count(each) > 1)
            world.find(f"{twice} events twice in store {ledger.store_id}, as {example}")
    store = world.gateway.store
    if store is None:
        return
    letters = excused(store, None)
    for agent_id, accepted in store.accepted().items():
        prefix = f"{agent_id}:"
        stored = sum(
            each.startswith(prefix) and not each.endswith("snapshot")
            for each in world.gateway.ledger.events.values()
        )
        dead = sum(place[0] == agent_id for place in letters)
        if accepted != stored + dead:
            world.find(f"accepted {accepted} of {agent_id}, {stored} stored, {dead} dead")


def _judge_arrival(
    world: "World", sink: str, records: Sequence[Record], told: Mapping[Place, Told]
) -> None:
    """Everything that was committed is at the sink, or is accounted for."""
    store = world.gateway.store
    if store is None:
        return
    stream = [each for each in records if "epoch" in each and each["event_type"] != "SNAPSHOT"]
    arrived = {place_of(each) for each in stream}
    dead = excused(store, sink)
    missing = sorted(told.keys() - arrived - dead.keys())
    given_up = gaps(records, world.gateway.ledger)
    unexplained = [place for place in missing if not given_up.covers(place)]
    if world.gateway.replacements:
        unexplained = [each for each in unexplained if _is_retained(world, each)]
    for place in unexplained[:5]:
        world.find(f"{sink}: {place} {told[place]} is lost")
    if given_up.count < len(missing) - len(unexplained) and not world.gateway.replacements:
        world.find(f"{sink}: {len(missing)} missing, {given_up.count} counted as given up")
    for place in sorted(arrived - told.keys())[:5]:
        if "gap" not in {each["event_type"].lower() for each in stream if place_of(each) == place}:
            world.find(f"{sink}: {place} was never committed")
    for place, reason in dead.items():
        if place in told and not _may_be_refused(world, reason, told[place]):
            world.find(f"{place} {told[place]} was refused: {reason}")


def _is_retained(world: "World", place: Place) -> bool:
    agent = next(each for each in world.agents if each.name == place[0])
    assert agent.store is not None
    rows = agent.store.spool.read(place[2] - 1, 1)
    return bool(rows) and rows[0].seq == place[2] and not rows[0].lost


def _may_be_refused(world: "World", reason: str, told: Told) -> bool:
    match reason:
        case "unknown_spot":
            return told.spot == world.plan.stray_spot
        case "sink_rejected":
            return world.plan.poison
    return False


def _judge_words(
    world: "World", sink: str, records: Sequence[Record], told: Mapping[Place, Told]
) -> None:
    """Each record says what its agent said, at a time that can be believed as far as it says."""
    for record in records:
        if record["event_type"] == "SNAPSHOT":
            _judge_snapshot(world, sink, record, told)
            continue
        place = place_of(record) if "epoch" in record else None
        told_then = told.get(place) if place else None
        if told_then is None or record["event_type"] == "GAP":
            continue
        if record["event_type"] in SPOT_EVENTS and (
            STATUS[record["status"]] != told_then.status or record["spot_id"] != told_then.spot
        ):
            world.find(f"{sink}: {record['event_id']} says {record['status']}, not {told_then}")
        _judge_time(world, sink, record, told_then)


def _judge_time(world: "World", sink: str, record: Record, told: Told) -> None:
    clock = world.hosts[record["agent_id"]].clock
    if record["clock"] == "unsynced" or clock.boots[told.boot_id].lied:
        return
    if record["clock"] == "estimated" and _gateway_lied(world):
        return
    true = BEGIN + timedelta(seconds=clock.true_s(told.boot_id, told.monotonic_ms))
    late_s = (_moment(record) - true).total_seconds()
    latest_s = CLOCK_S if record["clock"] == "synced" else world.schedule.now_s
    if not -CLOCK_S <= late_s <= latest_s:
        world.find(f"{sink}: {record['event_id']} is {record['clock']}, {late_s:.3f} s late")


def _gateway_lied(world: "World") -> bool:
    return any(boot.lied for boot in world.gateway.clock.boots.values())


def _moment(record: Record) -> datetime:
    return datetime.fromisoformat(record["timestamp"])


def _judge_snapshot(world: "World", sink: str, record: Record, told: Mapping[Place, Told]) -> None:
    agent_id, epoch, seq = place_of(record)
    then = _state_at(told, agent_id, epoch, seq, record["spot_id"])
    if STATUS[record["status"]] not in (then, "unknown"):
        world.find(f"{sink}: snapshot {record['event_id']} says {record['status']}, it was {then}")


def _state_at(told: Mapping[Place, Told], agent_id: str, epoch: str, seq: int, spot: str) -> str:
    for number in range(seq, 0, -1):
        each = told.get((agent_id, epoch, number))
        if each is not None and each.kind == "spot_changed" and each.spot == spot:
            return each.status
    return "nothing"


def _first_times(records: Sequence[Record]) -> Iterator[Record]:
    """The spots' events without those that come again, as a reader sees them."""
    seen = set()
    for record in records:
        if record["event_type"] in SPOT_EVENTS and record["event_id"] not in seen:
            seen.add(record["event_id"])
            yield record


def _judge_order(world: "World", sink: str, records: Sequence[Record]) -> None:
    last: dict[str, int] = {}
    for record in _first_times(records):
        spot, seq = record["spot_id"], record["seq"]
        if seq < last.get(spot, 0):
            world.find(f"{sink}: {record['event_id']} of {spot} behind {last[spot]}")
        last[spot] = max(seq, last.get(spot, 0))


def _judge_own_words(world: "World", sink: str, records: Sequence[Record]) -> None:
    """Of the gateway that is there: a replaced one may have taken some with it."""
    store, ledger = world.gateway.store, world.gateway.ledger
    if store is None:
        return
    mine = [each for each in records if each.get("store_id") == ledger.store_id]
    came: dict[int, Record] = {}
    newest: dict[str, Record] = {}
    for record in (each for each in mine if each["store_seq"] in ledger.words):
        place, subject = record["store_seq"], _subject(record)
        before = newest.get(subject)
        if place not in came and before and place < before["store_seq"]:
            world.find(f"{sink}: {record['event_id']} behind {before['event_id']}")
        if before is None or place > before["store_seq"]:
            newest[subject] = record
        came[place] = record
    given_up = gaps(records, ledger).places
    for place, said in ledger.words.items():
        if said["told_seq"] != place:
            world.find(f"{said['event_id']} is at {place}, and says {said['told_seq']}")
        if place not in came and said["event_id"] not in given_up:
            world.find(f"{sink}: the gateway's own {said['event_id']} is lost")
        elif place in came and came[place]["timestamp"] != said["timestamp"]:
            world.find(f"{sink}: {said['event_id']} came as {came[place]}")
    _judge_last_words(world, sink, newest)
    _judge_heartbeats(world, sink, mine)


def _subject(word: Record) -> str:
    """What the words are on that keep their order."""
    of = word.get("alert_id") or word["agent_id"] or word["spot_id"]
    return str(of)


def _judge_last_words(world: "World", sink: str, newest: Mapping[str, Record]) -> None:
    for agent in world.agents:
        word = newest.get(agent.name)
        if word is None or word["event_type"] != "AGENT_HEARD":
            world.find(f"{sink}: at the end {agent.name} is {word and word['event_type']}")


def _judge_heartbeats(world: "World", sink: str, records: Sequence[Record]) -> None:
    """By the gateway's own uptime, which no clock that is set moves."""
    last: dict[str, float] = {}
    for beat in (each for each in records if each["event_type"] == "GATEWAY_HEALTH"):
        session, uptime_s = beat["session_id"], beat["uptime_s"]
        if uptime_s < last.get(session, 0.0):
            world.find(f"{sink}: heartbeat {beat['event_id']} behind one of {last[session]} s")
        last[session] = uptime_s
    if not last:
        world.find(f"{sink}: no heartbeat came")


def _judge_present(world: "World", sink: str, records: Sequence[Record], mark: int) -> None:
    """What a reader who guards by seq believes at the end; and how it was marked."""
    present: dict[str, tuple[int, str]] = {}
    for number, record in enumerate(records):
        if record["event_type"] not in (*SPOT_EVENTS, "SNAPSHOT"):
            continue
        spot, seq = record["spot_id"], record["seq"]
        if seq > present.get(spot, (0, ""))[0]:
            present[spot] = seq, STATUS[record["status"]]
            if record["event_type"] != "SNAPSHOT" and record["historical"]:
                _judge_mark(world, sink, record)
        if number >= mark and record["event_type"] in SPOT_EVENTS and record["historical"]:
            world.find(f"{sink}: {record['event_id']} came at once and is marked historical")
    for agent in world.agents:
        for spot in agent.plan.spots:
            want = "occupied" if agent.plan.occupied(spot, world.schedule.now_s) else "free"
            found = present.get(spot, (0, "nothing"))[1]
            if found != want and spot != world.plan.stray_spot and not world.plan.poison:
                world.find(f"{sink}: {spot} is {found} at the end, truly {want}")


def _judge_mark(world: "World", sink: str, record: Record) -> None:
    """It is marked as the past, and is the newest that the reader has heard of its spot."""
    excuses = world.plan.has("mischief", "broker") or world.plan.queue_limit < 1000
    if not excuses and not world.plan.has("sink"):
        world.find(f"{sink}: {record['event_id']} is marked historical, and nothing went before")


def _judge_disk(world: "World", records: Sequence[Record]) -> None:
    places = [(each["store_id"], each["store_seq"]) for each in records if each["store_seq"] > 0]
    if twice := len(places) - len(set(places)):
        world.find(f"disk: {twice} lines twice")


def _judge_occupancy(world: "World") -> None:
    lot = world.display.lot
    spots = [(agent.plan, spot) for agent in world.agents for spot in agent.plan.spots]
    known = [each for each in spots if each[1] != world.plan.stray_spot]
    occupied = sum(plan.occupied(spot, world.schedule.now_s) for plan, spot in known)
    want = {"occupied": occupied, "free": len(known) - occupied, "unknown": 0}
    found = {name: lot[name] for name in want} if lot else None
    if found != want:
        world.find(f"the display counts {found}, truly {want}")
