"""Telling people that this machine's clock and the database's differ: leases and expiries are told by both."""

from typing import Final

from turnlog.domain import commands

from .worker import Worker

MOST_SKEW: Final = 2.0
"""Seconds by which two clocks may differ."""


def tell_of_skew(worker: Worker) -> None:
    """Decide on a notice, once a run, where the clocks are too far apart."""
    skew = worker.env.pulse.skew
    if worker.told_of_skew or abs(skew) <= MOST_SKEW or worker.lost:
        return
    worker.told_of_skew = True
    said = (
        f"clock_anomaly: the clock of this machine is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the "
        "database's; synchronise both (NTP): times in this log may be wrong, its order is not"
    )
    by = worker.stamp()
    worker.decide(lambda session: commands.sessions.notice(session, by, said))
