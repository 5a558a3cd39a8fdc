"""The present before the past: backlogs, new stores, lost acknowledgements; on real brokers."""

from pathlib import Path

from agent.testing import Rig, ToldAgent, settings_of


def test_the_present_goes_before_the_past_and_again_at_each_change(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    rig = Rig(tmp_path, settings_of(broker), drain_per_s=100, batch=5)
    for _ in range(20):
        rig.agent.occupy()
        rig.agent.free()
    rig.agent.occupy(1)
    last = rig.agent.store.spool.last_seq
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: len(gateway.seqs) >= 5)
    rig.agent.free(1)
    gateway.until(lambda: gateway.seqs == list(range(1, last + 2)))
    kinds = [r["type"] == "snapshot" for r in gateway.records]
    assert kinds[:2] == [True, True]
    assert {r["spot_id"]: r["status"] for r in gateway.records[:2]} == {
        "A1": "free", "A2": "occupied",
    }  # fmt: skip
    again = [n for n, r in enumerate(gateway.records) if r["type"] == "snapshot"][2:]
    event = next(n for n, r in enumerate(gateway.records) if r["seq"] == last + 1 and not kinds[n])
    assert gateway.records[again[0]]["status"] == "free"
    assert again[0] < event
    assert all(r["historical"] for n, r in enumerate(gateway.records) if not kinds[n])
    rig.await_(lambda: not rig.publisher.window.draining)  # the gateway may hear it sooner
    rig.agent.occupy()
    gateway.until(lambda: gateway.seqs[-1] == last + 2)
    assert gateway.records[-1]["historical"] is False
    rig.stop()


def toggled(agent: ToldAgent, times: int) -> list[int]:
    """The seqs of a stream in which A1 was taken and left so often; A2 is free."""
    for _ in range(times):
        agent.occupy()
        agent.free()
    return list(range(1, agent.store.spool.last_seq + 1))


def test_after_the_gateways_absence_the_present_goes_first_too(rig: Rig) -> None:
    gateway = rig.gateway()
    gateway.come_up("one")
    rig.publisher.start()
    gateway.until(lambda: bool(gateway.healths))  # connected before there is a backlog
    seqs = toggled(rig.agent, 8)
    gateway.until(lambda: gateway.seqs == seqs)
    assert not any(r["historical"] for r in gateway.records)
    gateway.come_up("two")
    gateway.until(lambda: gateway.seqs == seqs + seqs)
    again = gateway.records[len(seqs) :]
    assert [(r["type"], r["spot_id"], r["status"]) for r in again[:2]] == [
        ("snapshot", "A1", "free"),
        ("snapshot", "A2", "free"),
    ]
    assert all(event["historical"] for event in again[2:])


def test_another_gateways_store_gets_the_present_before_all_that_is_retained(rig: Rig) -> None:
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: bool(gateway.healths))  # connected before there is a backlog
    seqs = toggled(rig.agent, 8)
    gateway.until(lambda: gateway.seqs == seqs)
    gateway.ack(rig.agent, seqs[-1])
    rig.acked(seqs[-1])
    gateway.store_id = "store-2"
    gateway.ack(rig.agent, 0)
    gateway.until(lambda: gateway.seqs == seqs + seqs)
    again = gateway.records[len(seqs) :]
    assert [r["type"] for r in again[:3]] == ["snapshot", "snapshot", "birth"]
    assert (again[2]["seq"], again[2]["prev_seq"], again[2]["historical"]) == (1, 0, True)


def test_a_change_after_a_backlog_that_the_gateway_had_already_is_live(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    """The agent was killed before it kept what was acknowledged; the ack is retained."""
    rig = Rig(tmp_path, settings_of(broker), jitter_s=1000)
    last = toggled(rig.agent, 8)[-1]
    gateway = rig.gateway()
    gateway.ack(rig.agent, last)
    rig.publisher.start()
    rig.acked(last)
    rig.agent.occupy()
    gateway.until(lambda: gateway.seqs == [last + 1])
    assert gateway.records[-1]["historical"] is False
    rig.stop()


def test_a_store_that_lost_what_was_acknowledged_begins_a_new_epoch(rig: Rig) -> None:
    """A card that lied about its syncs, or an old image: the seqs after it were used before."""
    rig.agent.free()
    epoch = rig.agent.store.epoch
    gateway = rig.gateway()
    gateway.ack(rig.agent, 1000)
    rig.publisher.start()
    gateway.until(lambda: any(r["epoch"] != epoch for r in gateway.records))
    assert rig.agent.store.epoch == gateway.records[-1]["epoch"]
    gateway.until(lambda: gateway.healths[-1].epoch == rig.agent.store.epoch)
    gateway.ack(rig.agent, 0, resend_from=0)
    gateway.until(lambda: [r["seq"] for r in gateway.records][-3:] == [1, 2, 3])
    assert gateway.records[-3]["prev_seq"] == 0
