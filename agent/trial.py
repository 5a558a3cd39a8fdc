"""What becomes of a configuration that the gateway desires. Pure: state and time come in.

            a new revision, valid: kept as `trial`, the process starts anew
    STEADY -----------------------------------------------------------------> TRIAL
      ^  ^                                                                    |   |
      |  +-- confirmed: it is `good` now -- readings and link are back -------+   |
      |                                     and stay for a twelfth of trial_s     |
      +-- rolled back: `good` as before --- trial_s is over | a thread failed ----+
          (the process starts anew)         it cannot be used | MOST_STARTS starts

A new revision during a trial takes the trial's place; `good` stays what it was. What is not valid
is refused and changes nothing. All of it is one file, replaced whole: a kill leaves one state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contract.commands import CommandResponse, Configure
from contract.health import ConfigReport
from contract.words import Id

MOST_STARTS = 3
"""A trial may be cut off by a power cut or a kill that is not its fault, but not for ever."""
STEADY_SHARE = 1 / 12
"""So much of its time a trial must go on well: a driver may fail at its tenth reading."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Outcome(_Kept):
    """How the last trial ended, for the gateway that asks again."""

    revision: Id
    state: Literal["applied", "rolled_back", "refused"]
    reason: str = ""


class Kept(_Kept):
    """The whole of the file. Without `good`, agent.toml alone counts.

    `excused` are the spots that gave no reading before the trial either.
    """

    good: Configure | None = None
    trial: Configure | None = None
    starts: int = 0
    excused: tuple[str, ...] = ()
    last: Outcome | None = None

    @property
    def in_force(self) -> Configure | None:
        """What counts over agent.toml."""
        return self.trial or self.good


Change = Callable[[Kept], Kept]


def staged(kept: Kept, desired: Configure, excused: tuple[str, ...] = ()) -> Kept:
    """`desired` is to be tried at the next start."""
    return Kept(good=kept.good, trial=desired, excused=excused)


def started(kept: Kept) -> Kept:
    """A process begins: a trial is counted before anything of it is used."""
    if kept.trial is None:
        return kept
    if kept.starts >= MOST_STARTS:
        return rolled_back(kept, f"it was not confirmed in {MOST_STARTS} starts")
    return kept.model_copy(update={"starts": kept.starts + 1})


def confirmed(kept: Kept) -> Kept:
    """The trial went well."""
    assert kept.trial is not None
    return adopted(kept, kept.trial)


def adopted(kept: Kept, desired: Configure) -> Kept:
    """`desired` is the good one."""
    return Kept(good=desired, last=Outcome(revision=desired.revision, state="applied"))


def rolled_back(kept: Kept, reason: str) -> Kept:
    """The trial, or else the good one, cannot be kept: back to what was before."""
    failed = kept.in_force
    assert failed is not None
    last = Outcome(revision=failed.revision, state="rolled_back", reason=reason)
    return Kept(good=kept.good if kept.trial else None, last=last)


def refused(kept: Kept, desired: Configure, reason: str) -> Kept:
    """`desired` is not valid; what is in force, or on trial, goes on."""
    last = Outcome(revision=desired.revision, state="refused", reason=reason)
    return kept.model_copy(update={"last": last})


def report(kept: Kept) -> ConfigReport:
    """What the heartbeat tells."""
    revision = kept.in_force.revision if kept.in_force else None
    if kept.last and kept.last.state == "refused":
        return _told(revision, kept.last)
    if kept.trial:
        return ConfigReport(config_revision=revision, config_state="trial", config_tried=revision)
    return _told(revision, kept.last) if kept.last else ConfigReport(config_revision=revision)


def _told(revision: str | None, last: Outcome) -> ConfigReport:
    return ConfigReport(
        config_revision=revision,
        config_state=last.state,
        config_tried=last.revision,
        config_error=last.reason,
    )


def answer(kept: Kept, desired: Configure) -> CommandResponse | None:
    """What is known of a revision; None of one that is new."""
    if kept.trial and kept.trial.revision == desired.revision:
        return _response(desired, "accepted")
    if kept.last and kept.last.revision == desired.revision and kept.last.state != "applied":
        return _response(desired, "error", f"{kept.last.state}: {kept.last.reason}")
    if kept.good and kept.good.revision == desired.revision and not kept.trial:
        return _response(desired, "ok")
    return None


def _response(
    desired: Configure, status: Literal["accepted", "ok", "error"], error: str | None = None
) -> CommandResponse:
    return CommandResponse(
        transaction=desired.transaction,
        command=desired.command,
        status=status,
        revision=desired.revision,
        error=error,
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A trial is over."""

    good: bool
    reason: str = ""


@dataclass(slots=True)
class Trial:
    """One start's trial. Monotonic seconds."""

    trial_s: float
    began_s: float
    back_s: float | None = None

    def look(self, now_s: float, missing: list[str], linked: bool) -> Verdict | None:
        """`missing` are spots without a reading since the start; `linked` says that the gateway
        acknowledged something of this start. None while it goes on."""
        if missing or not linked:
            self.back_s = None
        elif self.back_s is None:
            self.back_s = now_s
        if self.back_s is not None and now_s - self.back_s >= self.trial_s * STEADY_SHARE:
            return Verdict(True)
        if now_s - self.began_s < self.trial_s:
            return None
        lacks = [f"no reading of {', '.join(missing)}"] if missing else []
        lacks += [] if linked else ["no acknowledgement of the gateway"]
        reason = " and ".join(lacks) or "readings and link were not back for long enough"
        return Verdict(False, f"{reason} within {self.trial_s:g} s")
