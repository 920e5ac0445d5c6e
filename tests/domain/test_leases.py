"""One worker runs a session at a time, each in an epoch of its own."""

from turnlog.domain import CommandRefused, LeaseReleased, LeaseTaken, SessionBusy, SessionLost, commands
from turnlog.testing import given

from .story import AWAITING, CREATED, HELD, LEASED, RELEASED, SESSION_CLOSED, STATES, TAKEN_OVER, worker


def test_the_first_worker_runs_the_first_epoch() -> None:
    given(*CREATED).when(lambda session: commands.leases.take(session, worker, "desk-1", holder_gone=False)).then(
        LEASED
    )


def test_a_session_that_is_being_run_is_busy() -> None:
    given(*HELD).when(lambda session: commands.leases.take(session, worker, "desk-2", holder_gone=False)).then_refused(
        SessionBusy, contains="desk-1"
    )


def test_a_session_whose_worker_is_gone_is_taken_over_in_the_next_epoch() -> None:
    given(*HELD).when(lambda session: commands.leases.take(session, worker, "desk-2", holder_gone=True)).then(
        TAKEN_OVER
    )


def test_an_epoch_is_never_used_again() -> None:
    given(*HELD, RELEASED).when(
        lambda session: commands.leases.take(session, worker, "desk-1", holder_gone=False)
    ).then(LeaseTaken(**worker, epoch=2, worker="desk-1"))


def test_a_closed_session_is_run_by_nobody() -> None:
    given(*SESSION_CLOSED).when(
        lambda session: commands.leases.take(session, worker, "desk-1", holder_gone=True)
    ).then_refused(CommandRefused, contains="closed")


def test_a_worker_gives_back_what_it_holds() -> None:
    given(*HELD).when(lambda session: commands.leases.release(session, worker, 1)).then(
        LeaseReleased(**worker, epoch=1, worker="desk-1")
    )


def test_a_worker_that_was_replaced_gives_nothing_back() -> None:
    given(*HELD, TAKEN_OVER).when(lambda session: commands.leases.release(session, worker, 1)).then_nothing()


def test_a_lease_given_back_twice_is_given_back_once() -> None:
    given(*HELD, RELEASED).when(lambda session: commands.leases.release(session, worker, 1)).then_nothing()


def test_a_worker_that_was_replaced_learns_so_at_its_next_step() -> None:
    given(*AWAITING, TAKEN_OVER).when(lambda session: commands.turns.complete(session, worker, 1)).then_refused(
        SessionLost, contains="this worker (epoch 1) stops"
    )


def test_a_worker_whose_turn_was_cancelled_learns_so_at_its_next_step() -> None:
    given(*STATES["cancelled"]).when(lambda session: commands.turns.complete(session, worker, 1)).then_refused(
        SessionLost, contains="ended by somebody else"
    )
