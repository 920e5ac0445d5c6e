"""The story of the demo: ask, approve, kill, resume, look back, branch. What it says of the log it has read there."""

import shlex
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from turnlog.domain import LeaseTaken, ModelRequested, Recorded, ToolCallAuthorized

from .demo_processes import Child, DemoFailed, Processes, await_that
from .demo_reading import Reading, awaits_model, exit_status, finished, latest_worker, question
from .demo_stage import WAITS, Cue, Stage
from .demo_workspace import PROMPT, TESTS, TOOLS, Scratch

_MAY_WAIT = Cue(codes=(WAITS,))


@dataclass(frozen=True, slots=True)
class Killed:
    """How the worker died: its process, its exit status, and the last version it recorded."""

    pid: int
    exit_status: int
    version: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo leaves behind. `asked` is the version at which the edit was asked for."""

    session: str
    fork: str
    asked: int
    killed: Killed
    attempts: int
    edits: int


class Story:
    """The acts of the demo, in order."""

    def __init__(self, scratch: Scratch, processes: Processes, reading: Reading, stage: Stage) -> None:
        self._scratch = scratch
        self._processes = processes
        self._reading = reading
        self._stage = stage
        self._id = ""

    def tell(self) -> Outcome:
        """Everything, up to the fork. Raises DemoFailed, StoreError."""
        self._ask()
        asked = self._approve_the_tests()
        killed = self._kill()
        attempts, edits = self._resume(killed)
        # These only read the past, so they may run side by side.
        fork = self._processes.start("fork", f"{self._id}@{asked}", "--model", self._scratch.other_model)
        self._look_back(asked)
        return Outcome(self._id, self._branch(fork), asked, killed, attempts, edits)

    # The acts

    def _ask(self) -> None:
        self._stage.scene(
            "Ask",
            "The model is scripted; the tools are real. Looking around is free; to run the tests it has to ask.",
        )
        model, workspace = self._scratch.model, str(self._scratch.workspace)
        given = ["--model", model, "--workspace", workspace, "--tools", TOOLS]
        self._stage.run("run", PROMPT, *given, "--approvals", "suspend", cue=_MAY_WAIT)
        self._id = self._reading.session(model)
        self._stage.proof("The turn is suspended and its process has ended: the session is in the log, nowhere else.")

    def _approve_the_tests(self) -> int:
        """Answer the first question and go on to the second; the version at which that is asked."""
        self._stage.scene(
            "Approve from another process",
            "The answer is bound to this one call; a rule by hand lets the same command run again in this session.",
        )
        self._stage.run("approvals")
        self._stage.run("approve", question(self._records()))
        self._stage.run("rules", "add", "allow", "shell", "--exact", shlex.join(TESTS), "--session", self._id)
        self._stage.run("resume", self._id, cue=_MAY_WAIT)
        records = self._records()
        if exit_status(records) != 1:
            raise DemoFailed(f"the tests were to fail with 1 and ended with {exit_status(records)}")
        asked = records[-1].version
        self._stage.proof(f"The tests really fail, the model knows why, and asks to edit. That is version {asked}.")
        return asked

    def _kill(self) -> Killed:
        self._stage.scene(
            "Kill the worker between two steps",
            "The edit is approved and made; then, while the model thinks, the worker gets a SIGKILL.",
        )
        self._stage.run("approve", question(self._records()))
        worker = self._processes.start("resume", self._id)
        self._stage.typed(f"{worker.shown} &")
        await_that(lambda: awaits_model(self._records()), worker)
        killed = self._killed(worker)
        edit = finished(self._records(), "edit_file")[-1]
        self._stage.proof(
            f"Process {killed.pid}, the worker named in the log, is dead: signal {-killed.exit_status}.",
            f"The edit is on record (version {edit}); the log ends at {killed.version}, a question without an answer.",
        )
        return killed

    def _killed(self, worker: Child) -> Killed:
        lease = latest_worker(self._records())
        if f":{worker.pid}:" not in lease.worker:
            raise DemoFailed(f"process {worker.pid} does not hold the session; {lease.worker} does")
        self._stage.typed(f"kill -9 {worker.pid}")
        status = worker.kill()
        if status != -signal.SIGKILL:
            raise DemoFailed(f"the worker was to die by SIGKILL and ended with {status}")
        return Killed(worker.pid, status, self._records()[-1].version)

    def _resume(self, killed: Killed) -> tuple[int, int]:
        """Go on after the kill; the attempts at the interrupted question, and the edits on record."""
        self._stage.scene(
            "Resume in a new process", "Nothing was in the dead process that is not in the log, so any process goes on."
        )
        self._scratch.gate.touch()
        self._stage.run("resume", self._id)
        records = self._records()
        since = [record for record in records if record.version > killed.version]
        again, attempt = _asked_again(records, killed.version)
        edits = len(finished(records, "edit_file"))
        if edits != 1:
            raise DemoFailed(f"the log has {edits} finished edits where it should have one")
        self._check_the_tests()
        self._stage.proof(
            f"A new worker took over (version {_taken_over(since)}) and sent the model the very same request: "
            f"attempt {attempt} (version {again}), of equal digest.",
            "The finished edit was not run again: the log has one.",
            f"The tests ran without a question, by the rule added above (version {_by_rule(since)}).",
            "Run once more by the demo itself, outside of any session, the tests pass.",
        )
        return attempt, edits

    def _look_back(self, asked: int) -> None:
        self._stage.scene(
            "Look back",
            "The log from that question on, one event a line; every state is a fold of the lines down to it.",
        )
        records = self._records()
        edited = finished(records, "edit_file")[-1]
        log = self._processes.start("log", self._id, "-n", str(records[-1].version - asked + 1))
        show = self._processes.start("show", f"{self._id}@{asked}")
        diff = self._processes.start("diff", self._id, f"{asked}..{edited}")
        self._stage.shown(log, Cue(lines=40))
        self._stage.say("", f"The session as it stood at version {asked}, before the edit was approved:")
        self._stage.shown(show, Cue(lines=11, last=True))
        self._stage.say("", "What the approval and the edit changed:")
        self._stage.shown(diff, Cue(lines=11))

    def _branch(self, fork: Child) -> str:
        self._stage.scene("Branch", "A fork goes on from any version; the original stays as it is.")
        self._stage.shown(fork, Cue())
        return self._reading.session(self._scratch.other_model)

    # What is looked up

    def _records(self) -> Sequence[Recorded]:
        return self._reading.records(self._id)

    def _check_the_tests(self) -> None:
        """Run the tests without turnlog. Raises DemoFailed."""
        ran = subprocess.run(
            TESTS, cwd=self._scratch.workspace, capture_output=True, text=True, check=False, timeout=60
        )
        if ran.returncode:
            raise DemoFailed(f"the tests in {self._scratch.workspace} still fail")


def _asked_again(records: Sequence[Recorded], version: int) -> tuple[int, int]:
    """Where, and at which attempt, the model was asked the same as at a version. Raises DemoFailed."""
    questions = [(record.version, record.event) for record in records if isinstance(record.event, ModelRequested)]
    asked = next(event for at, event in questions if at == version)
    for at, event in questions:
        if at > version and event.digest == asked.digest:
            return at, event.attempt
    raise DemoFailed("the resumed worker did not ask the model the same again")


def _by_rule(since: Sequence[Recorded]) -> int:
    """The version at which a rule spoke for a person. Raises DemoFailed."""
    for record in since:
        if isinstance(record.event, ToolCallAuthorized) and record.event.by == "rule":
            return record.version
    raise DemoFailed("no call was allowed by a rule")


def _taken_over(since: Sequence[Recorded]) -> int:
    """The version at which another worker took the session. Raises DemoFailed."""
    for record in since:
        if isinstance(record.event, LeaseTaken):
            return record.version
    raise DemoFailed("no worker took the session over")
