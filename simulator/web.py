"""The demo's console: a real process over the simulated lot, with a person to log in as."""

import secrets
import subprocess
import sys
from pathlib import Path

from simulator import processes
from simulator.processes import Child, NotReady

PERSON = "demo"
NAME = "Simulated lot"


class Web:
    """The console at `url`; `password` is that of the person `demo`, made anew for each run."""

    def __init__(self, folder: Path, gateway_toml: Path) -> None:
        port = processes.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.password = secrets.token_urlsafe(9)
        self._config = folder / "console.toml"
        self._config.write_text(
            f'[http]\nport = {port}\n[store]\npath = "{folder / "console.db"}"\n'
            f'[rate]\npath = "{folder / "rate.db"}"\n'
            f'[[lots]]\ngateway = "{gateway_toml}"\nname = "{NAME}"\ndisplay = true\n'
        )
        command = [sys.executable, "-m", "lotkeeper", "console"]
        self._command = command
        self._child = Child("console", [*command, "run", "-c", str(self._config)], folder, port)

    def start(self) -> None:
        """Make the person, and begin to serve. Raises NotReady."""
        words = ["user", "add", PERSON, "--scope", "admin", "-c", str(self._config)]
        said = f"{self.password}\n{self.password}\n"
        made = subprocess.run(
            [*self._command, *words], input=said, text=True, capture_output=True, check=False
        )
        if made.returncode:
            raise NotReady(f"the console takes nobody: {made.stderr.strip()}")
        self._child.start()

    def stop(self) -> None:
        """End it."""
        self._child.stop()

    @property
    def words(self) -> str:
        """Where to look, and as whom."""
        return f"console {self.url}   log in as {PERSON}, password {self.password}"
