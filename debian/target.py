"""For which Debian and which processor a package is, and which wheels run there."""

from dataclasses import dataclass

MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "armhf": "armv7l"}
OLDEST_GLIBC = 5
"""manylinux_2_5 is the first of them (PEP 600)."""
ALIASES = {"1": 5, "2010": 12, "2014": 17}


@dataclass(frozen=True, slots=True)
class Suite:
    """A Debian release: its number, its Python, the minor version of its glibc 2."""

    number: int
    python: str
    glibc: int


SUITES = {"bookworm": Suite(12, "3.11", 36), "trixie": Suite(13, "3.13", 41)}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the package is to be installed."""

    suite: Suite
    arch: str

    @property
    def machine(self) -> str:
        """As wheels call it."""
        return MACHINES[self.arch]

    @property
    def site(self) -> str:
        """Where our Python looks for packages."""
        return f"usr/lib/lotkeeper/lib/python{self.suite.python}/site-packages"

    @property
    def platforms(self) -> list[str]:
        """Tags of the wheels that run there, the newest first; pip takes no range of them."""
        modern = [
            f"manylinux_2_{minor}_{self.machine}"
            for minor in range(self.suite.glibc, OLDEST_GLIBC - 1, -1)
        ]
        return modern + [f"manylinux{name}_{self.machine}" for name in ALIASES]

    @property
    def markers(self) -> dict[str, str]:
        """The environment in which a lock's markers are judged (PEP 508)."""
        return {
            "python_version": self.suite.python,
            "python_full_version": f"{self.suite.python}.0",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
        }
