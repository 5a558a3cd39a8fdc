"""From the spool to one sink: its own cursor, its own thread, its own pace.

            more than `backlog_records` wait, at the start or after a failure
    LIVE -----------------------------------------------------------------> DRAINING
         <-----------------------------------------------------------------
                            the cursor has reached the end

While draining, a snapshot of every spot goes first and again at each change, so the present
is fresh; the events follow in their order, marked historical, at a capped rate, for which the
present does not wait. The cursor moves only over what the upstream accepted or refused for good.

A heartbeat goes before whatever is due. As with snapshots only the newest matters: it is no row of
the spool, and one that was not taken is not sent again.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.addresses import is_for
from gateway.batch_size import BatchSize
from gateway.books import ELSEWHERE, of_sink
from gateway.config import ForwardSettings
from gateway.retries import BackOff
from gateway.sinks import SNAPSHOT_SEQ, Answer, Outgoing, Sink, SinkError, Verdict
from gateway.store import GatewayStore
from runtime.clock import Clock
from spool import Row

log = logging.getLogger(__name__)

FOR_OTHERS = Answer(Verdict.ACCEPTED, "it is for other sinks alone")

READ_ROWS = 500
IDLE_S = 1.0

Snapshots = Callable[[Iterable[str] | None], list[tuple[str, bytes]]]
"""(spot ids, or None for all) -> (spot id, cloud record) of the present."""
Heartbeat = Callable[[], bytes | None]
"""How the gateway is, as a cloud record; None where it cannot say yet."""


@dataclass(slots=True)
class SinkHealth:
    """How a sink is doing, for the metrics and the heartbeat."""

    failing_since_s: float | None = None
    error: str = ""
    hint: str = ""
    sent: int = 0
    rejected: int = 0
    snapshots: int = 0
    draining: bool = False


class Forwarder(threading.Thread):
    """Sends one sink what the spool holds, until stopped."""

    def __init__(
        self,
        name: str,
        lot_id: str,
        sink: Sink,
        store: GatewayStore,
        snapshots: Snapshots,
        settings: ForwardSettings,
        clock: Clock,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        super().__init__(name=f"sink-{name}", daemon=True)
        self.sink_name = name
        self.health = SinkHealth()
        self.failure: BaseException | None = None
        self._lot_id = lot_id
        self._sink = sink
        self._store = store
        self._snapshots = snapshots
        self._settings = settings
        self._clock = clock
        self._heartbeat = heartbeat
        self._next_beat_s = 0.0
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._changed: dict[str, None] = {}
        self._has_news = False
        self._next_batch_s = 0.0
        self._size = BatchSize(sink.max_records)
        self._owed: dict[str, None] = {}
        self._all_owed = False
        self._position = store.spool.cursors()[name]
        self._back_off = BackOff(settings)
        self._is_open = False
        self._rows: list[Row] = []
        self._verdicts: dict[int, Answer] = {}

    def notice(self, changed: Iterable[str]) -> None:
        """A commit appended records, and these spots changed."""
        with self._wake:
            if self.health.draining:
                spots = dict.fromkeys(changed)
                self._changed.update(spots)
                self._has_news |= bool(spots)
            self._wake.notify()

    def stop(self) -> None:
        """End after the call that is under way."""
        self._stopping.set()
        with self._wake:
            self._wake.notify()

    def run(self) -> None:
        """Forward until stopped; a failure of the store ends the thread and is kept."""
        try:
            while not self._stopping.is_set():
                pause_s = self.step()
                if pause_s is None:
                    self._wait_for_more()
                else:
                    self._pause(pause_s)
        except BaseException as error:
            log.exception("forwarding to %s failed", self.sink_name)
            self.failure = error
        finally:
            self._sink.close()

    def _wait_for_more(self) -> None:
        with self._wake:
            if self._store.spool.last_seq <= self._position and not self._stopping.is_set():
                self._wake.wait(IDLE_S)

    def _pause(self, pause_s: float) -> None:
        """A change ends the pause of a backlog's pace, not that behind a failure."""
        with self._wake:
            self._wake.wait_for(
                lambda: (
                    self._stopping.is_set()
                    or (self._has_news and self.health.failing_since_s is None)
                ),
                pause_s,
            )

    def step(self) -> float | None:
        """Open the sink, or send it one batch.

        Answers for how many seconds to let it be, None where the spool holds no more. Raises
        SinkError where the sink can never be opened, sqlite3.Error.
        """
        try:
            return self._send_next() if self._is_open else self._open()
        except SinkError as error:
            if not error.retryable:
                raise
            self._note_failure(error)
            return self._back_off.next_s(error.retry_after_s)

    def _open(self) -> float:
        self._sink.open()
        self._is_open = True
        self._note_success()
        self._all_owed |= self._is_behind()
        return 0.0

    # Failures --------------------------------------------------------------------------------

    def _note_success(self) -> None:
        self._back_off.reset()
        if self.health.failing_since_s is not None:
            log.info("sink %s works again", self.sink_name)
            self.health.failing_since_s = None
            self.health.error = self.health.hint = ""

    def _note_failure(self, error: SinkError) -> None:
        self._all_owed |= not self.health.draining  # else each change is owed by itself
        self._next_batch_s = 0.0
        if self.health.failing_since_s is None:
            self.health.failing_since_s = self._clock.monotonic()
            log.warning("sink %s: %s; %s", self.sink_name, error, error.hint)
        self.health.error, self.health.hint = str(error), error.hint

    # Sending ---------------------------------------------------------------------------------

    def _send_next(self) -> float | None:
        """Send the next batch of the rows that were read, until each has its verdict."""
        waiting = self._waiting()
        beaten = self._send_heartbeat()
        if not waiting:
            self.health.draining = False
            if beaten:
                self._note_success()
            return None
        if (early_s := self._early_s()) > 0:
            self._send_owed_snapshots()
            return early_s
        answers = self._send(waiting)
        taken = {seq: answer for seq, answer in answers.items() if answer.is_final}
        self._verdicts.update(taken)
        self._advance(self._rows, self._verdicts)
        pause_s = len(taken) / self._settings.drain_per_s if self.health.draining else 0.0
        self._next_batch_s = self._clock.monotonic() + pause_s
        return pause_s

    def _send_heartbeat(self) -> bool:
        """If one is due; whether it was taken. Raises SinkError."""
        now_s = self._clock.monotonic()
        payload = self._heartbeat and now_s >= self._next_beat_s and self._heartbeat()
        if not payload:
            return False
        (answer,) = self._call([Outgoing(SNAPSHOT_SEQ, self._lot_id, payload)])
        self._next_beat_s = now_s + self._settings.heartbeat_s
        if answer.verdict is Verdict.REJECTED:
            log.warning(
                "sink %s refuses the gateway's heartbeat: %s", self.sink_name, answer.reason
            )
        return answer.verdict is Verdict.ACCEPTED

    def _early_s(self) -> float:
        """For how long the next batch of a backlog must still wait."""
        return self._next_batch_s - self._clock.monotonic() if self.health.draining else 0.0

    def _waiting(self) -> list[Row]:
        """The rows without a verdict; where all have theirs, the next ones of the spool."""
        while not (waiting := [row for row in self._rows if row.seq not in self._verdicts]):
            self._rows = self._store.read(self._position, READ_ROWS, self._sink.max_bytes)
            if not self._rows:
                return []
            strange = [row.seq for row in self._rows if not is_for(row.key, self.sink_name)]
            self._verdicts = dict.fromkeys(strange, FOR_OTHERS)
            self._advance(self._rows, self._verdicts)
        return waiting

    def _send(self, rows: Sequence[Row]) -> dict[int, Answer]:
        """The present, if it is owed, and a batch of the past; the sink's answers by seq."""
        self._send_owed_snapshots()
        batch = self._fill(map(self._outgoing, rows))
        answers = self._call(batch)
        if all(answer.verdict is Verdict.KEEP for answer in answers):
            raise SinkError(
                f"nothing is taken for now: {answers[0].reason}",
                hint="look at the upstream's limits",
            )
        self._note_success()
        return {out.seq: answer for out, answer in zip(batch, answers, strict=True)}

    def _call(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """One call of the sink, from which the size of the next is learnt.

        What is refused for one record among it goes again by halves, until that one is alone.
        """
        began_s = self._clock.monotonic()
        try:
            answers = self._sink.send(batch)
        except SinkError as error:
            self._size.failed(
                len(batch), self._clock.monotonic() - began_s, refused=not error.retryable
            )
            if error.retryable:
                raise
            verdict = Verdict.SPLIT if len(batch) > 1 else Verdict.REJECTED
            return [Answer(verdict, str(error))] * len(batch)
        self._size.went(len(batch), self._clock.monotonic() - began_s)
        if split := sum(answer.verdict is Verdict.SPLIT for answer in answers):
            self._size.failed(split, 0.0, refused=True)
        return answers

    def _send_owed_snapshots(self) -> None:
        if self._all_owed:
            self._all_owed = False
            if self._is_behind():
                log.info("sink %s has a backlog", self.sink_name)
                self.health.draining = True
                self._owed = dict.fromkeys(spot_id for spot_id, _ in self._snapshots(None))
        if self.health.draining:
            self._send_snapshots()

    def _is_behind(self) -> bool:
        waiting = self._store.spool.last_seq - self._position
        return waiting > self._settings.backlog_records

    def _send_snapshots(self) -> None:
        """Those that are owed, what changes meanwhile first. What fails stays owed."""
        kept: dict[str, None] = {}
        try:
            while self._owe_changed():
                kept |= self._offer_owed()
        finally:
            with self._wake:
                self._changed = kept | self._changed

    def _offer_owed(self) -> dict[str, None]:
        """One call; the spots whose snapshots are kept by it."""
        chosen = list(self._owed)[: self._size.records]
        told = dict(self._snapshots(chosen))
        batch = self._fill(
            Outgoing(SNAPSHOT_SEQ, self._key(spot_id), payload) for spot_id, payload in told.items()
        )
        again = self._offer_snapshots(batch) if batch else []
        for spot_id in [*list(told)[: len(batch)], *(set(chosen) - told.keys())]:
            del self._owed[spot_id]
        return {spot_id: None for spot_id in told if self._key(spot_id) in again}

    def _owe_changed(self) -> bool:
        """Put what has changed before all else that is owed; whether anything is."""
        with self._wake:
            self._owed = self._changed | self._owed
            self._changed = {}
            self._has_news = False
        return bool(self._owed)

    def _offer_snapshots(self, batch: Sequence[Outgoing]) -> list[str]:
        """The keys of those to be sent again; a refused one is given up: its event follows."""
        answers = self._call(batch)
        self.health.snapshots += sum(answer.verdict is Verdict.ACCEPTED for answer in answers)
        told = list(zip(batch, answers, strict=True))
        kept = [out.key for out, answer in told if answer.verdict is Verdict.KEEP]
        split = [out for out, answer in told if answer.verdict is Verdict.SPLIT]
        half = len(split) // 2
        for part in (split[:half], split[half:]) if half else ():
            kept += self._offer_snapshots(part)
        return kept

    def _fill(self, waiting: Iterable[Outgoing]) -> list[Outgoing]:
        """A batch within the sink's limits; one record a key where it may take parts."""
        batch: list[Outgoing] = []
        size = 0
        keys: set[str] = set()
        for out in waiting:
            if self._sink.partial and out.key in keys:
                continue
            size += out.size
            if batch and (len(batch) >= self._size.records or size > self._sink.max_bytes):
                break
            keys.add(out.key)
            batch.append(out)
        return batch

    def _outgoing(self, row: Row) -> Outgoing:
        payload = row.payload
        if self.health.draining:
            payload = payload.replace(b'"historical":false', b'"historical":true', 1)
        return Outgoing(row.seq, self._key(row.key), payload)

    def _key(self, key: str) -> str:
        """The partition key: lot and spot, whatever stands behind the spot in the spool's key."""
        spot_id = key.partition("/")[0]
        return f"{self._lot_id}/{spot_id}" if spot_id else self._lot_id

    def _advance(self, rows: Sequence[Row], verdicts: dict[int, Answer]) -> None:
        """Move the cursor over the rows at the front that have their verdict."""
        passed = []
        for row in rows:
            if row.seq not in verdicts:
                break
            if row.seq > self._position:
                passed.append(row)
        if not passed:
            return
        rejected = [row for row in passed if verdicts[row.seq].verdict is Verdict.REJECTED]
        now = self._clock.wall()
        with self._store.transaction():
            # What was thinned while its call was under way is already counted as dropped.
            present = self._store.records_between(self._position, passed[-1].seq)
            dead = sum(row.seq in present for row in rejected)
            delivered = len(present) - dead
            strange = sum(verdicts[row.seq] is FOR_OTHERS and row.seq in present for row in passed)
            self._store.spool.advance(
                self.sink_name, passed[-1].seq, delivered=delivered, dead_lettered=dead
            )
            self._store.books.note(of_sink(self.sink_name), ELSEWHERE, strange)
            for row in rejected:
                reason = verdicts[row.seq].reason
                self._store.letters.bury(
                    now,
                    of_sink(self.sink_name),
                    "",
                    "sink_rejected",
                    reason,
                    row.payload,
                    counted=row.seq in present,
                )
            self._store.spool.forget()
        self._position = passed[-1].seq
        self.health.sent += delivered - strange
        self.health.rejected += dead
