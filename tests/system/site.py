"""A gateway's Pi and three bay Pis on one network, and the person who walks between them."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from simulator.namespaces import Network
from tests.system import pi
from tests.system.machine import PATIENCE_S, Machine
from tests.system.page import Step

GATEWAY = "gateway"
WIRED = {
    "pi-1": {"A1": "/dev/serial0", "A2": "/dev/ttyUSB0"},
    "pi-2": {"A3": "/dev/serial0"},
    "pi-3": {"B1": "/dev/serial0"},
}
"""As the page's table has it."""
ROOF_MM = 1050
STICK, READER = "/mnt", "/media"
AS_PI = ("runuser", "-u", "pi", "--", "env", "-C", "/home/pi", "HOME=/home/pi", "USER=pi")
ASKED = re.compile(r"(Clear|Park a car in) (\w+) .*press Enter")
LOOKS = re.compile(
    r"(sudo )?(curl|mosquitto_sub|lotkeeper (doctor|"
    r"(gateway|agent) (list|occupancy|reconcile|status)))"
)
"""What may be typed again and again until the page's words are seen."""


class Site:
    """All that the page asks for, to be used as a context manager."""

    def __init__(self, tree: Path, suite: str, folder: Path, debs: dict[int, list[Path]]) -> None:
        self.suite = suite
        self.debs = debs
        self.stick = folder / "stick"
        self.stick.mkdir()
        self.tree, self.folder = tree, folder
        self.network = Network([GATEWAY, *WIRED])
        self.machines = {name: self._out_of_the_box(name) for name in self.network.hosts}

    def _out_of_the_box(self, name: str, shelf: str = "") -> Machine:
        hosts = self.network.hosts
        network = f"/proc/{hosts[name].pid}/ns/net"
        machine = Machine(name, self.tree, self.folder / (shelf or name), network)
        pi.make(machine, {host.address: each for each, host in hosts.items()}, WIRED.get(name, {}))
        return machine

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines.values():
            machine.close()
        self.network.close()

    # What is done ------------------------------------------------------------------------------

    def do(self, sentence: str) -> None:
        """A sentence of the page. Raises AssertionError where nobody knows how."""
        for pattern, way in WAYS.items():
            if found := re.fullmatch(pattern, sentence):
                way(self, *found.groups())
                return
        raise AssertionError(f"nobody here knows how to do this: {sentence}")

    def start(self, names: str) -> None:
        """Of Pis whose cards Raspberry Pi Imager wrote."""
        for name in re.findall(r"[a-z]+(?:-\d)?", names.replace(" and ", " ")):
            self.machines[name].boot()

    def replace_gateway(self) -> None:
        """By a new one under its name, switched off."""
        self.machines[GATEWAY].close()
        self.machines[GATEWAY] = self._out_of_the_box(GATEWAY, "another")

    def fill_card(self) -> None:
        """The packages on the gateway's boot partition."""
        for path in self.debs[1]:
            shutil.copy(path, self.machines[GATEWAY].root / pi.BOOT[1:])

    def read_card(self, name: str) -> None:
        """A card's boot partition, in a reader at the gateway."""
        self._carry(self.machines[name].root / pi.BOOT[1:], self._reader)

    def start_with_card(self, name: str) -> None:
        """The card that was in the reader: its first boot, to the end."""
        machine = self.machines[name]
        self._carry(self._reader, machine.root / pi.BOOT[1:])
        pi.boot_first(machine)

    @property
    def _reader(self) -> Path:
        return self.machines[GATEWAY].root / READER[1:]

    def set_car(self, spot: str, there: bool) -> None:
        """A car comes, or goes."""
        name = next(name for name, wires in WIRED.items() if spot in wires)
        distance = str(ROOF_MM if there else pi.FLOOR_MM)
        self.machines[name].write(f"{pi.DISTANCES}/{spot}", distance)

    # What is typed -----------------------------------------------------------------------------

    def type(self, step: Step, name: str) -> str:
        """A step's commands, as the user pi. What is only looked at is so until it is as shown."""
        patient = step.seen and all(map(LOOKS.match, step.typed.splitlines()))
        retrying = Retrying(
            retry=retry_if_exception_type(AssertionError),
            stop=stop_after_delay(PATIENCE_S if patient else 0),
            wait=wait_fixed(0.5),
            reraise=True,
        )
        return retrying(self._typed, step, name)

    def _typed(self, step: Step, name: str) -> str:
        said, status = self.shell(name, step.typed)
        assert status == 0 or self._is_excused(step, name), f"{name}: status {status}: {said}"
        assert step.is_seen_in(said), f"{name}: the page shows\n{step.seen}and it says\n{said}"
        return said

    def _is_excused(self, step: Step, name: str) -> bool:
        """The doctor may find that containers have no time server, and nothing else."""
        return "lotkeeper doctor" in step.typed and pi.ails_of(self.machines[name]) == pi.CONTAINERS

    def shell(self, name: str, typed: str) -> tuple[str, int]:
        """What is said, and the exit status; who is asked to press Enter does what was asked."""
        machine = self.machines[name]
        if typed.strip() == "sudo reboot":
            machine.reboot()
            return "", 0
        if STICK in typed:
            self._carry(self.stick, machine.root / STICK[1:])
        master, slave = os.openpty()
        command = machine.enter(*AS_PI, "bash", "-eu", "-c", typed)
        with subprocess.Popen(
            command, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            os.close(slave)
            assert process.stdout
            said = self._converse(process.stdout.fileno(), master)
        os.close(master)
        if STICK in typed:
            self._carry(machine.root / STICK[1:], self.stick)
        return said, process.returncode

    def _converse(self, said_at: int, keys: int) -> str:
        said, answered = b"", 0
        while chunk := os.read(said_at, 65536):
            said += chunk
            asked = ASKED.findall(said.decode(errors="replace"))
            for verb, spot in asked[answered:]:
                self.set_car(spot, verb != "Clear")
                os.write(keys, b"\n")
            answered = len(asked)
        return said.decode()

    def _carry(self, source: Path, to: Path) -> None:
        """A stick's or a card's files, from one machine to the next: FAT keeps no modes."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(source, to)
        for path in to.rglob("*"):
            path.chmod(0o755)


WAYS: dict[str, Callable[..., None]] = {
    r"Switch (.+) on": Site.start,
    r"Put another Pi in the gateway's place": Site.replace_gateway,
    r"Copy the packages to the gateway's card": Site.fill_card,
    r"Put (\S+)'s card into a reader at the gateway": Site.read_card,
    r"Put the card into (\S+) and switch it on": Site.start_with_card,
    r"Park a car in (\S+)": lambda site, spot: site.set_car(spot, True),
    r"Drive the car out of (\S+)": lambda site, spot: site.set_car(spot, False),
    r"Pull the (\S+)'s network cable": lambda site, name: site.network.cut(name),
    r"Plug the (\S+)'s network cable in again": lambda site, name: site.network.mend(name),
}
