"""Whatever people, models and workers did, replaying what they left does the same, and nothing else."""

from hypothesis import HealthCheck, settings

from turnlog.domain import Tool

from .test_any_sequence_of_commands import AnySequence, boom, die, look, mark, send

TOOLS: list[Tool] = [look, mark, send, boom, die]


class AnySession(AnySequence):
    """The same stories, each of whose sessions is replayed when it is over."""

    def teardown(self) -> None:
        try:
            if hasattr(self, "sessions"):
                for session in self.sessions:
                    self._replay(session.id)
        finally:
            super().teardown()

    def _replay(self, session_id: str) -> None:
        written = len(self.world.log.written)
        found = self._do(self.world.turnlog.replay_session(session_id, tools=TOOLS))
        assert found.divergence is None
        assert found.events == found.version
        assert len(self.world.log.written) == written


AnySession.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
)
TestAnySession = AnySession.TestCase
