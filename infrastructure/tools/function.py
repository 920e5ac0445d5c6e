"""`@tool`: a typed function becomes something a model may ask to be done."""

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar, overload

from pydantic import JsonValue, ValidationError

from turnlog.domain import (
    Bounds,
    Effect,
    InvalidInput,
    OutcomeUnknown,
    Surroundings,
    ToolContext,
    ToolOutput,
    ToolSpec,
)

from .output import failure, raised, to_output
from .render import show_call
from .signature import Arguments, explain_refusal, read_arguments
from .threads import in_thread

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
LookAround = Callable[[Mapping[str, JsonValue], Path | None, Bounds], Surroundings]
"""What surrounds a call, from its arguments, the workspace and the limits it runs within. Blocks; see `Surrounded`."""
Preview = Callable[[Mapping[str, JsonValue]], str]
"""What an approver is shown of a call beside its arguments, such as the difference an edit would make. Blocks."""

DEFAULT_TIMEOUT = 120.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class FunctionTool(Generic[Parameters, Result]):
    """A function as a tool. Calling it calls the function, so it stays usable in code and in tests."""

    def __init__(
        self,
        function: Callable[Parameters, Result],
        spec: ToolSpec,
        arguments: Arguments,
        timeout: float,
        preview: Preview | None = None,
    ) -> None:
        self._function = function
        self._call: Callable[..., object] = function
        self._is_async = _is_async(function)
        self._spec = spec
        self._arguments = arguments
        self._timeout = timeout
        self._preview = preview

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        """The function itself, without validation, time limit or thread."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self._spec.name} ({self._spec.effect})>"

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return self._spec

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The name and every argument in full, with the defaults of those not given."""
        return show_call(self._spec.name, arguments, _defaults(self._spec))

    def preview(self, arguments: Mapping[str, JsonValue]) -> str | None:
        """What the tool has to show of a call before it is allowed. Blocks. Raises whatever the function raises."""
        return None if self._preview is None else self._preview(arguments)

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Call the function. What it returns or raises becomes output; cancellation and OutcomeUnknown propagate."""
        try:
            bound = self._arguments.bind(arguments, context)
        except ValidationError as error:
            message = f"the arguments for {self._spec.name} are not valid; correct them and call again"
            return failure(f"{message}\n{explain_refusal(error)}", error="invalid_arguments")
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                return to_output(await self._result(bound))
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            return raised(error)  # something inside the function was cancelled, not the call
        except OutcomeUnknown:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a tool raises, the model is told
            return self._too_late() if limit.expired() else raised(error)

    async def _result(self, bound: Mapping[str, object]) -> object:
        call = partial(self._call, **bound)
        result = call() if self._is_async else await in_thread(partial(_told, call))
        return await result if inspect.isawaitable(result) else result

    def _too_late(self) -> ToolOutput:
        message = f"{self._spec.name} did not finish within {self._timeout:g} s"
        if not self._is_async:
            message += "; it runs in a thread, which cannot be stopped, so its effect may still happen"
        return failure(message, error="timeout", timeout_s=self._timeout)


class SurroundedTool(FunctionTool[Parameters, Result]):
    """A function tool that is `Surrounded`: it says what decides the effect of a call beside its arguments."""

    def __init__(
        self,
        function: Callable[Parameters, Result],
        spec: ToolSpec,
        arguments: Arguments,
        timeout: float,
        preview: Preview | None,
        look_around: LookAround,
    ) -> None:
        super().__init__(function, spec, arguments, timeout, preview)
        self._look_around = look_around

    def surroundings(self, arguments: Mapping[str, JsonValue], workspace: Path | None, bounds: Bounds) -> Surroundings:
        """What else decides the effect of this call. Blocks. Raises whatever the tool's own function raises."""
        return self._look_around(arguments, workspace, bounds)


def _told(call: Callable[[], object]) -> object:
    """What a call in a thread returns, ready to show; its exceptions too, which lose their trace on the way out."""
    try:
        result = call()
        return result if inspect.isawaitable(result) else to_output(result)
    except OutcomeUnknown:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a tool raises, the model is told
        return raised(error)


def _is_async(function: Callable[..., object]) -> bool:
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _defaults(spec: ToolSpec) -> dict[str, JsonValue]:
    properties = spec.parameters.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {
        name: schema["default"]
        for name, schema in properties.items()
        if isinstance(schema, dict) and "default" in schema
    }


@overload
def tool(function: Callable[Parameters, Result], /) -> FunctionTool[Parameters, Result]: ...


@overload
def tool(
    *,
    name: str | None = None,
    effect: Effect = "external",
    timeout: float = DEFAULT_TIMEOUT,
    surroundings: LookAround | None = None,
    executes: bool = False,
    secrets: Sequence[str] = (),
    preview: Preview | None = None,
) -> Callable[[Callable[Parameters, Result]], FunctionTool[Parameters, Result]]: ...


def tool(  # noqa: PLR0913 - named, and none changes what another means
    function: Callable[Parameters, Result] | None = None,
    /,
    *,
    name: str | None = None,
    effect: Effect = "external",
    timeout: float = DEFAULT_TIMEOUT,
    surroundings: LookAround | None = None,
    executes: bool = False,
    secrets: Sequence[str] = (),
    preview: Preview | None = None,
) -> FunctionTool[Parameters, Result] | Callable[[Callable[Parameters, Result]], FunctionTool[Parameters, Result]]:
    """Make a tool of a typed function; usable as `@tool` and as `@tool(effect="pure")`.

    The schema comes from the signature, the description from the docstring. A parameter annotated `ToolContext`
    receives the context and is not in the schema. `effect` says what a repeated call does: `pure` changes nothing,
    `idempotent` may be repeated, `external` (the default) must never be repeated unasked. `timeout` is in seconds.
    `surroundings` is called before anything is decided about a call, and again right before it runs; where the two
    differ, what was allowed does not run. Without it a call is taken to depend on its workspace alone.

    `executes` says that it runs programs, which a session's policy has to switch on. `secrets` names those it may ask
    the context for. `preview` makes a text of the arguments that is shown to whoever is asked about the call.

    A function that is not async runs in a thread. A thread cannot be killed: when its time is up the model is told,
    and the function may still go on. Prefer async for anything slow. Raises InvalidInput.
    """
    traits = _Traits(name, effect, timeout, surroundings, executes, _names(secrets), preview)

    def make(function: Callable[Parameters, Result]) -> FunctionTool[Parameters, Result]:
        return _make(function, traits)

    return make if function is None else make(function)


@dataclass(frozen=True, slots=True)
class _Traits:
    """What was said of a tool beside its function."""

    name: str | None
    effect: Effect
    timeout: float
    surroundings: LookAround | None
    executes: bool
    secrets: tuple[str, ...]
    preview: Preview | None


def _names(secrets: Sequence[str]) -> tuple[str, ...]:
    if isinstance(secrets, str):
        raise InvalidInput(f"secrets is a list of names; write secrets=[{secrets!r}]")
    return tuple(secrets)


def _make(function: Callable[Parameters, Result], traits: _Traits) -> FunctionTool[Parameters, Result]:
    name = traits.name or str(getattr(function, "__name__", ""))
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"tool {name!r}: a name is 1 to 64 letters, digits, '_' or '-'; pass name=")
    if not traits.timeout > 0:
        raise InvalidInput(f"tool {name}: timeout must be more than 0 seconds, not {traits.timeout:g}")
    arguments = read_arguments(function, name)
    spec = ToolSpec(
        name=name,
        description=inspect.getdoc(function) or "",
        parameters=arguments.schema(),
        effect=traits.effect,
        executes=traits.executes,
        secrets=traits.secrets,
    )
    if traits.surroundings is None:
        return FunctionTool(function, spec, arguments, traits.timeout, traits.preview)
    return SurroundedTool(function, spec, arguments, traits.timeout, traits.preview, traits.surroundings)
