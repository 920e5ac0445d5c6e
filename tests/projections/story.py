"""A story: sessions driven through the domain's commands, and the log that comes of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from turnlog.domain import (
    MAILBOXES,
    Actor,
    BlobRef,
    Cost,
    Decision,
    Draft,
    Evaluation,
    Event,
    Limits,
    ModelBlock,
    Output,
    Recorded,
    Resolution,
    RuleRemembered,
    RuleRevoked,
    RuleUsed,
    Scope,
    Session,
    Stamp,
    TextBlock,
    ToolCallBlock,
    TurnlogError,
    Usage,
    book_stream,
    commands,
    fold,
)

BEGAN = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
ANN = Actor(kind="user", id="ann")
BOB = Actor(kind="user", id="bob")
PROCESS = "here:1:1"
MODEL = "test:one"
OTHER_MODEL = "test:two"


class Story:
    """One session at a time, and everything that was ever appended. A minute passes with every command.

    `elsewhere` are the sessions that the story has left, to which it may come back.
    """

    def __init__(self, project: str | None = "shop") -> None:
        self.now = BEGAN
        self.log: list[Recorded] = []
        self.versions: Counter[str] = Counter()
        self.history: list[Recorded] = []
        self.draft = Draft(Session("s1"))
        self.sessions = 1
        self.names = 0
        self.elsewhere: dict[str, tuple[Draft, list[Recorded]]] = {}
        opening = commands.sessions.Opening(
            title="Fix the build", model=MODEL, tools=("shell", "read"), project=project
        )
        self.do(lambda session: commands.sessions.start(session, self.by, opening))

    def __repr__(self) -> str:
        return " ".join(f"{told.stream}@{told.version}:{type(told.event).__name__}" for told in self.log)

    @property
    def session(self) -> Session:
        return self.draft.session

    @property
    def by(self) -> Stamp:
        return {"at": self.now, "actor": ANN}

    def by_(self, actor: Actor) -> Stamp:
        return {"at": self.now, "actor": actor}

    @property
    def epoch(self) -> int:
        return self.session.epoch

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def do(self, decision: Decision) -> None:
        """Take a decision and append what comes of it, rules of wider scope to their books."""
        self.now += timedelta(minutes=1)
        elsewhere: list[Event] = []

        def own(session: Session) -> Sequence[Event]:
            events = decision(session)
            elsewhere.extend(event for event in events if _scope_of(event) not in (None, "session"))
            return [event for event in events if _scope_of(event) in (None, "session")]

        self.draft.decide(own)
        for event in self.draft.events:
            self._append(self.session.id, event, self.history)
        for event in elsewhere:
            scope = _scope_of(event)
            assert scope is not None
            self._append(book_stream(scope, self.session.id, self.session.project, PROCESS), event)
        self.draft.appended()

    def tries(self, decision: Decision) -> bool:
        """Take a decision that may be refused; a refusal changes nothing."""
        before = (self.draft.session, self.draft.base, self.draft.events)
        try:
            self.do(decision)
        except TurnlogError:
            assert (self.draft.session, self.draft.base, self.draft.events) == before
            return False
        return True

    def begin_another(self, opening: commands.sessions.Opening) -> None:
        """Begin another session, and go on with it."""
        self._leave()
        self.sessions += 1
        self.history, self.draft = [], Draft(Session(f"s{self.sessions}"))
        self.do(lambda session: commands.sessions.start(session, self.by, opening))

    def go_to(self, session_id: str) -> None:
        """Go on with another session that was begun before."""
        self._leave()
        self.draft, self.history = self.elsewhere[session_id]

    def _leave(self) -> None:
        self.elsewhere[self.session.id] = (self.draft, self.history)

    @property
    def histories(self) -> dict[str, list[Recorded]]:
        """The events of every session, and of its parents up to the fork."""
        left = {session_id: history for session_id, (_, history) in self.elsewhere.items()}
        return {**left, self.session.id: self.history}

    def happens(self, stream: str, events: Sequence[Event]) -> None:
        """Append to a stream that is no session's."""
        for event in events:
            self._append(stream, event)

    def fork(self, back: int = 0, *, keeps_grants: bool = False, model: str | None = None) -> None:
        """Go on in a fork of this session, `back` events before its end where it has as many of its own."""
        own = sum(recorded.stream == self.session.id for recorded in self.history)
        prefix = self.history[: len(self.history) - min(back, own - 1)]
        parent = fold(Session(self.session.id), prefix)
        wanted = commands.sessions.Fork(keeps_grants=keeps_grants, model=model)
        self.now += timedelta(minutes=1)
        events = commands.sessions.fork(parent, self.by, wanted)
        self._leave()
        self.sessions += 1
        self.history = prefix
        for event in events:
            self._append(f"s{self.sessions}", event, self.history)
        self.draft = Draft(fold(Session(f"s{self.sessions}"), self.history))

    def _append(self, stream: str, event: Event, history: list[Recorded] | None = None) -> None:
        self.versions[stream] += 1
        recorded = Recorded(stream, self.versions[stream], event, len(self.log) + 1)
        self.log.append(recorded)
        if history is not None:
            history.append(recorded)

    # The usual steps, for stories that are written out

    def says(self, text: str, *, limits: Limits | None = None, output: Output | None = None) -> str:
        """A person begins a turn, and a worker takes it up."""
        turn_id = self.name("turn")
        asked = commands.turns.Asked((TextBlock(text=text),), limits, output)
        self.do(lambda session: commands.turns.start(session, self.by, turn_id, asked))
        if self.session.lease is None:
            self.taken()
        return turn_id

    def taken(self, worker: str = "w1") -> None:
        self.do(lambda session: commands.leases.take(session, self.by, worker, holder_gone=True))

    def adds(self, text: str, kind: Literal["steer", "follow_up"] = "steer") -> str:
        """A person says something to the turn under way."""
        input_id = self.name("input")
        said = (TextBlock(text=text),)
        self.do(lambda session: commands.inputs.queue(session, self.by, input_id, kind, said))
        return input_id

    def delivered(self, *input_ids: str) -> None:
        self.do(lambda session: commands.inputs.deliver(session, self.by, self.epoch, input_ids))

    def repaired(self, text: str) -> None:
        input_id = self.name("input")
        self.do(lambda session: commands.inputs.repair(session, self.by, self.epoch, input_id, text))

    def amended(self, call_id: str, arguments: str) -> None:
        amendment = commands.tools.Amendment(arguments, "dry_run", "look first")
        self.do(lambda session: commands.tools.amend(session, self.by, self.epoch, call_id, amendment))

    def asked_to_stop(self, reason: str = "") -> None:
        self.do(lambda session: commands.turns.stop(session, self.by, reason))

    def answers(self, *blocks: str | ModelBlock, usage: Usage | None = None, cost: str | None = None) -> None:
        """The model answers with texts and tool calls."""
        said = tuple(TextBlock(text=block) if isinstance(block, str) else block for block in blocks)
        price = Cost(amount=Decimal(cost), source="a price list") if cost else None
        response = commands.models.Response(said, usage or Usage(input_tokens=10, output_tokens=2), cost=price)
        self.do(lambda session: commands.models.request(session, self.by, self.epoch, commands.models.Request("d")))
        self.do(lambda session: commands.models.respond(session, self.by, self.epoch, response))

    def call(self, tool: str = "shell", arguments: str = '{"argv": ["pytest", "-q"]}') -> ToolCallBlock:
        return ToolCallBlock(call_id=self.name("call"), name=tool, arguments=arguments)

    def asks(self, call_id: str, persons: int = 1, evaluation: Evaluation | None = None) -> str:
        request_id = self.name("request")
        shown = commands.permissions.Shown("run pytest", "shown", evaluation)
        question = commands.permissions.Question(
            request_id, digest_of(call_id), shown, self.now + timedelta(hours=1), persons=persons, process=PROCESS
        )
        self.do(lambda session: commands.permissions.ask(session, self.by, self.epoch, call_id, question))
        return request_id

    def joins(self, call_id: str, request_id: str) -> None:
        """An identical call waits for the same answer."""
        digest = digest_of(call_id)
        self.do(lambda session: commands.permissions.join(session, self.by, self.epoch, call_id, request_id, digest))

    def answered(
        self, request_id: str, *, allow: bool, remember: Scope | None = None, reason: str = "", by: Actor = ANN
    ) -> None:
        memory = commands.answers.Memory(self.name("rule"), remember, "pytest") if remember else None
        answer = commands.answers.Answer(allow, reason, memory)
        self.do(lambda session: commands.answers.answer(session, self.by_(by), request_id, answer))

    def answered_with(self, request_id: str, arguments: str, reason: str = "") -> None:
        """Allow other arguments than those that were shown."""
        edit = commands.answers.Edit(arguments, f"digest of {arguments}")
        answer = commands.answers.Answer(True, reason, edit=edit)
        self.do(lambda session: commands.answers.answer(session, self.by, request_id, answer))

    def outdated(self, call_id: str, *changed: str) -> None:
        self.do(lambda session: commands.permissions.outdate(session, self.by, self.epoch, call_id, changed))

    def authorized(self, call_id: str, by: str = "read_only", source: str | None = None) -> None:
        word = commands.tools.Grant(digest_of(call_id), "person" if by == "person" else "read_only", source)
        self.do(lambda session: commands.tools.authorize(session, self.by, self.epoch, call_id, word))

    def started(self, call_id: str, *, reused: str | None = None) -> None:
        execution = commands.tools.Execution("shell", digest_of(call_id), "external", "i", reused=reused)
        self.do(lambda session: commands.tools.start(session, self.by, self.epoch, call_id, execution))

    def finished(self, call_id: str, text: str = "1 failed", *, status: int = 1, full: BlobRef | None = None) -> None:
        result = commands.tools.Result(
            (TextBlock(text=text),), is_error=status != 0, details={"exit_status": status}, full=full, duration_ms=400
        )
        self.do(lambda session: commands.tools.finish(session, self.by, self.epoch, call_id, result))

    def lost(self, call_id: str) -> None:
        self.do(lambda session: commands.tools.lose(session, self.by, self.epoch, call_id, "the worker died"))

    def resolved(self, call_id: str, resolution: Resolution) -> None:
        self.do(
            lambda session: commands.outcomes.resolve(session, self.by, call_id, commands.outcomes.Word(resolution))
        )

    def suspended(self) -> None:
        self.do(lambda session: commands.turns.suspend(session, self.by, self.epoch))

    def cancelled(self, reason: str = "") -> None:
        self.do(lambda session: commands.turns.cancel(session, self.by, reason))

    def failed(self) -> None:
        failure = commands.turns.Failure("model", "the provider is down", retryable=True)
        self.do(lambda session: commands.turns.fail(session, self.by, self.epoch, failure))

    def resumed(self, limits: Limits | None = None) -> None:
        self.do(lambda session: commands.turns.resume(session, self.by, limits))

    def completed(self) -> None:
        self.do(lambda session: commands.turns.complete(session, self.by, self.epoch))


def is_session(stream: str) -> bool:
    """Whether a stream is that of a session, and neither a rule book nor a mailbox."""
    return not stream.startswith(("rules.", MAILBOXES))


def digest_of(call_id: str) -> str:
    """The digest of a call in these stories."""
    return f"digest of {call_id}"


def _scope_of(event: Event) -> Scope | None:
    return event.scope if isinstance(event, RuleRemembered | RuleRevoked | RuleUsed) else None
