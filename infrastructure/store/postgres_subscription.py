"""The library's subscription, woken by the watch of its process and surviving what the server does."""

from collections.abc import Sequence
from time import sleep

from eventsourcing.persistence import ListenNotifySubscription
from eventsourcing.postgres import PostgresApplicationRecorder

from turnlog.domain import StoreError

from .postgres_watch import Watch

POLL = 1.0
"""Seconds after which it looks again though nobody rang."""


class WatchingSubscription(ListenNotifySubscription[PostgresApplicationRecorder]):
    """Delivers every event once, in order; it needs no connection while it waits."""

    def __init__(
        self, recorder: PostgresApplicationRecorder, watch: Watch, gt: int | None, topics: Sequence[str]
    ) -> None:
        self._watch = watch
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        watch.add(self._has_been_notified.set)
        if self._has_been_stopped:
            watch.remove(self._has_been_notified.set)
        self._has_been_notified.set()  # the thread runs already, and may have looked before it was told of anything

    def stop(self) -> None:
        """End the iteration."""
        super().stop()
        self._watch.remove(self._has_been_notified.set)

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull_if_possible()
                self._has_been_notified.wait(POLL)
        except BaseException as error:  # noqa: BLE001 - whoever iterates is told, whatever it is
            if self._thread_error is None:
                self._thread_error = error
            self.stop()

    def _pull_if_possible(self) -> None:
        try:
            self._pull()
        except StoreError as error:
            if type(error) is not StoreError:  # the schema is missing, or a newer turnlog's: waiting does not help
                raise
            sleep(0.1)
