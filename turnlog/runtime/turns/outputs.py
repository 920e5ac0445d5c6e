"""Typed output: the form of the value a turn is to end in, and the tool by which the model gives it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from turnlog.domain import (
    OUTPUT_TOOL,
    CommandRefused,
    InvalidInput,
    Output,
    Session,
    Tool,
    ToolContext,
    ToolOutput,
    ToolSpec,
    clean,
)

M = TypeVar("M", bound=BaseModel)

_OBJECT = TypeAdapter(dict[str, JsonValue])


def form_of(model: type[BaseModel]) -> Output:
    """The form a pydantic model describes. Raises InvalidInput where that is no JSON object."""
    from jsonschema import Draft202012Validator, SchemaError

    name = clean(model.__name__)
    try:
        schema = _OBJECT.validate_python(model.model_json_schema())
        json.dumps(schema, allow_nan=False)
        Draft202012Validator.check_schema(schema)
    except (PydanticInvalidForJsonSchema, PydanticUserError, SchemaError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        raise InvalidInput(f"{name} cannot be an output, for it has no usable JSON schema: {problem}") from error
    schema = _unfolded(schema)
    if schema.get("type") != "object":
        raise InvalidInput(f"{name} cannot be an output, for it is no JSON object; make it a field of a model")
    return Output(name=name, json_schema=schema)


def _unfolded(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A schema that says at its top what it is; that of a recursive model begins with a reference to itself."""
    match schema:
        case {"$ref": str(ref), "$defs": dict(definitions)}:
            found = definitions.get(ref.removeprefix("#/$defs/"))
            return {**found, "$defs": definitions} if isinstance(found, dict) else schema
        case _:
            return schema


def output_tool(session: Session, model: type[BaseModel] | None) -> dict[str, Tool]:
    """The tool that takes the value the turn is to end in, under its name; nothing where it is to end in none.

    `model` is the type of the value, where the caller named one.
    Raises CommandRefused where the turn was begun with another, InvalidInput where the name of the tool is taken.
    """
    form = None if session.turn is None else session.turn.output
    if model is not None and (form is None or form.name != clean(model.__name__)):
        wanted = "no value" if form is None else f"a value of the type {form.name}"
        raise CommandRefused(f"the turn of session {session.id} was begun to end in {wanted}, not in {model.__name__}")
    if form is None:
        return {}
    if OUTPUT_TOOL in session.tools:
        raise InvalidInput(
            f"session {session.id} has a tool of its own called {OUTPUT_TOOL}, which is the name of the one that takes "
            "the value; give it another name, or run the turn without output"
        )
    return {OUTPUT_TOOL: OutputTool(form, model)}


@dataclass(frozen=True, slots=True)
class OutputTool:
    """Takes the value. Where its type is not known in this process, the JSON Schema in the log is all that is asked."""

    form: Output
    model: type[BaseModel] | None

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return ToolSpec(
            name=OUTPUT_TOOL,
            description=f"Give your final answer, a value of the type {self.form.name}. Call this once, when all other "
            "work is done: it ends your turn.",
            parameters=self.form.json_schema,
            effect="pure",
        )

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The value as JSON."""
        return f"{OUTPUT_TOOL}\n{json.dumps(dict(arguments), ensure_ascii=False, indent=2)}"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Accept the value, or say what is wrong with it."""
        try:
            if self.model is not None:
                read_value(self.model, arguments)
        except ValidationError as error:
            said = f"this is no valid {self.form.name}; correct it and call {OUTPUT_TOOL} again"
            return ToolOutput((f"{said}\n{_problems(error)}",), is_error=True)
        return ToolOutput(("accepted",))


def read_value(model: type[M], value: Mapping[str, JsonValue]) -> M:
    """The value as its type, read as JSON. Raises ValidationError."""
    return model.model_validate_json(json.dumps(dict(value)))


def _problems(error: ValidationError) -> str:
    """A line for each, without repeating the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "\n".join(f"- {'.'.join(map(str, problem['loc'])) or 'the value'}: {problem['msg']}" for problem in found)
