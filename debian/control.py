"""The packages: what each is called, needs and brings."""

from dataclasses import dataclass

from debian.target import Target

COMMON, AGENT, GATEWAY = "lotkeeper-common", "lotkeeper-agent", "lotkeeper-gateway"
CONSOLE = "lotkeeper-console"


@dataclass(frozen=True, slots=True)
class Package:
    """`units` are files of systemd/units/; the enabled ones are enabled when it is installed."""

    name: str
    summary: str
    text: str
    depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    drop_ins: tuple[str, ...] = ()

    def control(self, version: str, target: Target, size_kb: int) -> str:
        """DEBIAN/control (deb-control(5))."""
        needs = [each.format(version=version, **_pythons(target)) for each in self.depends]
        lines = [
            f"Package: {self.name}",
            f"Version: {version}",
            f"Architecture: {target.arch}",
            "Maintainer: Lotkeeper contributors <lotkeeper@localhost>",
            f"Installed-Size: {size_kb}",
            f"Depends: {', '.join(needs)}",
            *([f"Recommends: {', '.join(self.recommends)}"] if self.recommends else []),
            "Section: misc",
            "Priority: optional",
            f"Description: {self.summary}",
            *(f" {line}" for line in self.text.splitlines()),
        ]
        return "\n".join(lines) + "\n"


def _pythons(target: Target) -> dict[str, str]:
    major, minor = target.suite.python.split(".")
    return {
        "python": target.suite.python,
        "next_python": f"{major}.{int(minor) + 1}",
        "glibc": f"2.{target.suite.glibc}",
    }


PACKAGES = (
    Package(
        COMMON,
        "Parking-lot occupancy: what agent and gateway share",
        "The command lotkeeper with doctor and diag, the display, the user lotkeeper, the sandbox\n"
        "of the services, and settings for a Raspberry Pi.",
        (
            "python3 (>= {python})",
            "python3 (<< {next_python})",
            "libc6 (>= {glibc})",
            "libgcc-s1",
            "openssl",
            "systemd",
            "init-system-helpers (>= 1.54~)",
        ),
        ("python3-lgpio",),
        ("lotkeeper.target", "lotkeeper-display.service"),
        ("lotkeeper.target",),
        ("lotkeeper-.service.d",),
    ),
    Package(
        AGENT,
        "Parking-lot occupancy: the process that watches bays",
        "Reads ultrasonic, laser, radar and magnetic sensors on a Raspberry Pi, and keeps each\n"
        "change until the lot's gateway has it.",
        (COMMON + " (= {version})",),
        ("python3-lgpio | python3-rpi.gpio",),
        (
            "lotkeeper-agent.service",
            "lotkeeper-agent-renewal.service",
            "lotkeeper-agent-renewal.timer",
        ),
        ("lotkeeper-agent.service", "lotkeeper-agent-renewal.timer"),
    ),
    Package(
        GATEWAY,
        "Parking-lot occupancy: the process that runs one lot",
        "Counts, feeds the displays, certifies devices, and forwards to files, HTTP, Kafka and\n"
        "Kinesis.",
        (COMMON + " (= {version})",),
        ("mosquitto",),
        (
            "lotkeeper-gateway.service",
            "lotkeeper-gateway@.service",
            "lotkeeper-gateway-backup.service",
            "lotkeeper-gateway-backup.timer",
            "lotkeeper-gateway-backup@.service",
            "lotkeeper-gateway-backup@.timer",
            "lotkeeper-gateway-renewal.service",
            "lotkeeper-gateway-renewal.timer",
            "lotkeeper-enrolment.service",
            "lotkeeper-broker-restart.path",
            "lotkeeper-broker-restart.service",
        ),
        (
            "lotkeeper-gateway.service",
            "lotkeeper-gateway-backup.timer",
            "lotkeeper-gateway-renewal.timer",
            "lotkeeper-enrolment.service",
            "lotkeeper-broker-restart.path",
        ),
        ("mosquitto.service.d",),
    ),
    Package(
        CONSOLE,
        "Parking-lot occupancy: pages and an HTTP API for people",
        "Shows the lots of a gateway's machine in a browser, over an HTTP API, in sheets and in\n"
        "printed reports.",
        (COMMON + " (= {version})", GATEWAY + " (= {version})"),
        (),
        ("lotkeeper-console.service",),
        ("lotkeeper-console.service",),
        ("lotkeeper-gateway.service.d", "lotkeeper-gateway@.service.d"),
    ),
)
