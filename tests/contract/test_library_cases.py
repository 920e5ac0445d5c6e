"""`eventsourcing`'s own cases for recorders pass on ours."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import ApplicationRecorder

from turnlog.infrastructure import store

from ..store_urls import BACKENDS, make_url

cipher = ModuleType("eventsourcing.cipher")
cipher.__dict__["AESCipher"] = object
# Their cases import a cipher that we neither use nor install what it stands on.
with patch.dict(sys.modules, {"eventsourcing.cipher": cipher}):
    from eventsourcing.tests.persistence import (
        ApplicationRecorderTestCase,
        NonInterleavingNotificationIDsBaseCase,
    )


class Cases:
    """The library's cases on a store that is open already."""

    def __init__(self, opened: store.Store) -> None:
        class Recorder(ApplicationRecorderTestCase):
            def create_recorder(self) -> ApplicationRecorder:
                return opened.recorder

            def new_originator_id(self) -> UUID | str:
                return str(uuid4())

        class Order(NonInterleavingNotificationIDsBaseCase):
            def create_recorder(self) -> ApplicationRecorder:
                return opened.recorder

            def new_originator_id(self) -> UUID | str:
                return str(uuid4())

        self.recorder = Recorder()
        self.order = Order()


@pytest.fixture(params=BACKENDS)
async def cases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cases]:
    async with store.open_store(make_url(request.param, request, tmp_path)) as opened:
        yield Cases(opened)


async def test_events_are_inserted_and_selected(cases: Cases) -> None:
    cases.recorder.test_insert_select()


async def test_concurrent_appends_do_not_conflict(cases: Cases) -> None:
    cases.recorder.test_concurrent_no_conflicts()


async def test_concurrent_appends_come_through(cases: Cases) -> None:
    cases.recorder.test_concurrent_throughput()


async def test_positions_of_one_append_are_not_interleaved(cases: Cases) -> None:
    cases.order.test()


@pytest.mark.parametrize("cases", ["memory", "postgres"], indirect=True)
async def test_a_subscription_goes_on_with_what_is_inserted(cases: Cases) -> None:
    cases.recorder.optional_test_insert_subscribe()
