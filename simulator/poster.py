"""Agents' stores straight to an HTTP front door: takes the place of broker and gateway."""

import json
import logging
from collections.abc import Sequence

from agent.core import decoded
from contract.events import agent_records
from contract.upstream import cloud_record
from gateway.sinks import Answer, Outgoing, Sink, SinkError, Verdict
from simulator.lot import SimulatedAgent

log = logging.getLogger(__name__)

FACILITY = "simulated"
BATCH = 500


class Poster:
    """Posts what waits, agent by agent and in order.

    What the door does not take waits on; what it refuses for good is passed over and counted.
    """

    def __init__(self, agents: Sequence[SimulatedAgent], door: Sink, lot_id: str) -> None:
        self.refused = 0
        self.trouble = ""
        """Why the door took something not, the last time; "" while it takes all."""
        self._agents = agents
        self._door = door
        self._lot_id = lot_id

    def post(self) -> None:
        """Post all that waits, until the door fails."""
        try:
            for each in self._agents:
                while batch := self._batch(each):
                    if not self._take(each, batch, self._send(batch)):
                        return
        except SinkError as error:
            self._fail(f"{error}; {error.hint}")
        else:
            self.trouble = ""

    def _send(self, batch: Sequence[Outgoing]) -> Sequence[Answer]:
        """The door's answers; what it refuses as a whole is offered again one by one."""
        try:
            return self._door.send(batch)
        except SinkError as error:
            if error.retryable:
                raise
            return self._door.send(batch[:1])

    def _take(
        self, each: SimulatedAgent, batch: Sequence[Outgoing], answers: Sequence[Answer]
    ) -> bool:
        """Forget what has its verdict; whether the door may be asked for more at once."""
        for out, answer in zip(batch, answers, strict=False):
            if not answer.is_final:
                self._fail(answer.reason)
                return False
            if answer.verdict is Verdict.REJECTED:
                self.refused += 1
                log.error("refused: %s", answer.reason)
            each.agent.store.acknowledge(out.seq)
        return True

    def _fail(self, words: str) -> None:
        if words != self.trouble:
            log.warning("%s", words)
        self.trouble = words

    def _batch(self, each: SimulatedAgent) -> list[Outgoing]:
        """The next records as the cloud would have them of a gateway.

        One a spot while the door may answer record by record.
        """
        store = each.agent.store
        identity = {"agent_id": each.settings.agent_id, "epoch": store.epoch}
        prev, batch, keys = store.acked_seq, [], set[str]()
        for row in store.read(prev, min(BATCH, self._door.max_records)):
            wire = {**decoded(row.payload), **identity, "seq": row.seq, "prev_seq": prev}
            prev = row.seq
            record = agent_records.validate_python([wire])[0]
            cloud = cloud_record(record, facility_id=FACILITY, lot_id=self._lot_id, zone_id=None)
            key = cloud.get("spot_id") or self._lot_id
            if self._door.partial and key in keys:
                break
            keys.add(key)
            batch.append(Outgoing(row.seq, key, json.dumps(cloud).encode()))
        return batch
