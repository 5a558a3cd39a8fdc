"""A configuration on trial, watched from outside the threads that it may have broken."""

import logging
import threading

from agent.core import Agent
from agent.ending import Ending
from agent.publisher import Publisher
from agent.remote import Remote
from agent.trial import Trial, Verdict

log = logging.getLogger(__name__)

LOOK_S = 0.25


class TrialThread(threading.Thread):
    """Looks until the trial is confirmed, or rolls it back and has the process begin anew."""

    def __init__(self, agent: Agent, publisher: Publisher, remote: Remote, ending: Ending) -> None:
        super().__init__(name="trial", daemon=True)
        self.agent = agent
        self.publisher = publisher
        self.remote = remote
        self.ending = ending
        tried = remote.kept.trial
        assert tried is not None
        self.revision = tried.revision
        self.began_s = agent.clock.monotonic()
        self.trial = Trial(tried.trial_s, self.began_s)

    def run(self) -> None:
        """Until a verdict is kept; one that the disk refuses is tried again."""
        while not self.ending.event.wait(LOOK_S):
            verdict = self.trial.look(self.agent.clock.monotonic(), self.missing(), self.linked())
            try:
                if verdict and self._end(verdict):
                    return
            except OSError as error:
                log.error("the trial's end cannot be kept: %s", error)

    def missing(self) -> list[str]:
        """Spots that gave readings before and have given none since this start."""
        excused = self.remote.kept.excused
        return [name for name in self.agent.silent(self.began_s) if name not in excused]

    def linked(self) -> bool:
        """Whether the gateway has committed the birth of this start: both ways are open."""
        return self.publisher.window.acked >= self.agent.birth_seq

    def _end(self, verdict: Verdict) -> bool:
        if not verdict.good:
            if self.remote.roll_back(self.revision, verdict.reason):
                self.ending.begin_anew()
            return True
        if self.remote.confirm(self.revision):
            log.info("revision %s is applied", self.revision)
            commands = self.publisher.commands
            assert commands is not None
            self.publisher.soon(lambda: commands.ended(self.revision))
        return True
