"""The planned troubles, done to the world at their time, and mended."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from proof.bays import LOT, Bays
from proof.broker import WELL, Message, Mischief
from proof.hosts import Host, Surroundings
from proof.lot import Gateway
from proof.plan import GATEWAY, Trouble

GARBAGE = (
    b"{",
    b"[]",
    b'{"type":"from_the_future"}',
    b"\xff\xfe",
    b'[{"type":"snapshot","spot_id":"1A"}]',
)
SLOWNESS_S = 0.02
REPLAY_S = 15.0
STALE_S = -7200.0
"""What a Pi without a battery clock believes at a boot: the time of its last shutdown, or less."""


class Troubles:
    """Does what the plan says."""

    def __init__(self, around: Surroundings, hosts: Mapping[str, Host]) -> None:
        self.around = around
        self.hosts = hosts
        self._does: dict[str, Callable[[Trouble], None]] = {
            "cut": self._cut,
            "broker": self._crash_broker,
            "kill": lambda t: self.hosts[t.who].kill(t.for_s),
            "reboot": self._reboot,
            "doom": lambda t: self.hosts[t.who].doom(int(t.much), t.for_s),
            "stop": self._stop,
            "replace": self._replace,
            "clock": self._set_clock,
            "sink": self._upset_sink,
            "mischief": self._mischief,
            "slow": self._slow,
            "garbage": self._garbage,
            "replay": self._replay,
        }
        self._mended = False

    def schedule(self) -> None:
        """Put all of them into the schedule."""
        for trouble in self.around.plan.troubles:
            self.around.schedule.after(trouble.at_s, partial(self._begin, trouble))

    def mend(self) -> None:
        """Everything is well from now on."""
        around = self.around
        self._mended = True
        around.tell("world", "all is mended")
        around.broker.mischief = WELL
        around.broker.network.slowness_s = SLOWNESS_S
        around.upstream.moods.clear()
        for client in list(around.broker.network.cuts):
            around.broker.network.heal(client)
        if not around.broker.up:
            around.broker.start(remembers=False)
        for host in self.hosts.values():
            if host.clock.is_synced or not around.plan.clocks_stay:
                host.clock.set(synced=True, ahead_s=0.0)
            if host.process is not None:
                host.process.points_left = 0
            host.start()

    def _begin(self, trouble: Trouble) -> None:
        self.around.tell(
            "world",
            f"{trouble.what} {trouble.who} {trouble.how} {trouble.much:g} for {trouble.for_s:.1f}",
        )
        self._does[trouble.what](trouble)

    def _later(self, trouble: Trouble, do: Callable[[], None]) -> None:
        """Unless all is mended by then."""

        def unless_mended() -> None:
            if not self._mended:
                do()

        self.around.schedule.after(trouble.for_s, unless_mended)

    def _cut(self, trouble: Trouble) -> None:
        network = self.around.broker.network
        client = f"{LOT}.{trouble.who}"
        network.cut(client, "reset" if trouble.how == "reset" else "silent")
        self._later(trouble, lambda: network.heal(client))

    def _crash_broker(self, trouble: Trouble) -> None:
        broker = self.around.broker
        if not broker.up:
            return
        if trouble.how == "saved":
            broker.save()
        broker.crash()
        self._later(trouble, lambda: broker.start(remembers=trouble.how != "forgets"))

    def _reboot(self, trouble: Trouble) -> None:
        """The power goes. At the next boot the clock is wrong, and right after a while or never."""
        host = self.hosts[trouble.who]
        host.kill(trouble.for_s, power_cut=True)
        now_s = self.around.schedule.now_s
        ahead_s = {"1970": -56 * 365.25 * 86400.0 - now_s, "stale": STALE_S, "right": 0.0}
        host.clock.boot(synced=False, ahead_s=ahead_s[trouble.how])
        boot_id = host.clock.boot_id

        def sync() -> None:
            if host.clock.boot_id == boot_id and not self._mended:
                host.clock.set(synced=True, ahead_s=0.0)

        if trouble.much < 1e6:
            self.around.schedule.after(trouble.for_s + trouble.much * self.around.plan.scale, sync)

    def _stop(self, trouble: Trouble) -> None:
        host = self.hosts[trouble.who]
        if isinstance(host, Bays):
            host.say_goodbye(trouble.for_s)
        else:
            host.kill(trouble.for_s)

    def _replace(self, trouble: Trouble) -> None:
        gateway = self.hosts[GATEWAY]
        assert isinstance(gateway, Gateway)
        gateway.replace(trouble.for_s)

    def _set_clock(self, trouble: Trouble) -> None:
        """Somebody sets it, or an NTP server lies."""
        clock = self.hosts[trouble.who].clock
        before = clock.is_synced, clock.ahead_s
        clock.set(synced=trouble.how == "synced", ahead_s=trouble.much)
        boot_id = clock.boot_id

        def back() -> None:
            if clock.boot_id == boot_id:
                clock.set(synced=before[0], ahead_s=before[1])

        self._later(trouble, back)

    def _upset_sink(self, trouble: Trouble) -> None:
        moods = self.around.upstream.moods
        moods[trouble.who] = trouble.how

        def cheer_up() -> None:
            moods.pop(trouble.who, None)

        self._later(trouble, cheer_up)

    def _mischief(self, trouble: Trouble) -> None:
        broker, share = self.around.broker, trouble.much
        broker.save()
        broker.mischief = Mischief(drop=share / 2, double=share, reorder=share)

        def end() -> None:
            broker.mischief = WELL

        self._later(trouble, end)

    def _slow(self, trouble: Trouble) -> None:
        network = self.around.broker.network
        network.slowness_s = trouble.much

        def end() -> None:
            network.slowness_s = SLOWNESS_S

        self._later(trouble, end)

    def _garbage(self, trouble: Trouble) -> None:
        """Somebody publishes nonsense under an agent's topics."""
        rng = self.around.rng
        agents = [each.agent_id for each in self.around.plan.agents]
        for _ in range(rng.randint(1, 8)):
            channel = rng.choice(("events", "events", "health"))
            topic = f"parking/v1/{LOT}/agents/{rng.choice(agents)}/{channel}"
            self.around.broker.publish(Message(topic, rng.choice(GARBAGE)))

    def _replay(self, trouble: Trouble) -> None:
        """Somebody recorded what passed, and publishes it again and again until all is mended;
        it may be of an agent that has no power meanwhile."""
        broker = self.around.broker
        recorded = [Message(each.topic, each.payload) for each in broker.recent]

        def again() -> None:
            for each in recorded:
                broker.publish(each)
            self._later(pause, again)

        pause = replace(trouble, for_s=REPLAY_S * self.around.plan.scale)
        if trouble.how == "instead":
            self.hosts[trouble.who].kill(float("inf"), power_cut=True)
            again()
        else:
            self._later(trouble, again)
