"""What a function's signature says about a tool's arguments."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from turnlog.domain import InvalidInput, ToolContext

_OBJECT = TypeAdapter(dict[str, JsonValue])
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "patternProperties"})
_LITERALS = frozenset({"default", "const", "enum", "examples"})
_NAMED_KINDS = frozenset({inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY})


@dataclass(frozen=True, slots=True)
class Arguments:
    """A tool's arguments: their pydantic model, the parameter each of its fields stands for, and the context's."""

    model: type[BaseModel]
    parameters: Mapping[str, str]
    context: str | None

    def bind(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> dict[str, object]:
        """Keyword arguments for the function. Raises pydantic's ValidationError."""
        given = self.model.model_validate(dict(arguments))
        bound: dict[str, object] = {name: getattr(given, field) for field, name in self.parameters.items()}
        return bound if self.context is None else {**bound, self.context: context}

    def schema(self) -> dict[str, JsonValue]:
        """The JSON Schema object, without the titles pydantic makes up."""
        schema = _OBJECT.validate_python(self.model.model_json_schema())
        return {"properties": {}, **_untitled_object(schema)}


def read_arguments(function: Callable[..., object], name: str) -> Arguments:
    """The arguments of a function. Raises InvalidInput when a schema cannot describe them."""
    hints = _type_hints(function, name)
    parameters: dict[str, str] = {}
    fields: dict[str, Any] = {}
    context: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        hint = _checked_hint(parameter, hints, name)
        if hint is ToolContext:
            context = parameter.name
            continue
        # The fields get names of their own: `json`, `copy` or `_x` could not be fields of a pydantic model.
        field = f"argument_{len(fields)}"
        parameters[field] = parameter.name
        fields[field] = (hint, ... if parameter.default is parameter.empty else parameter.default)
    return Arguments(_model(name, fields, parameters), parameters, context)


def _type_hints(function: Callable[..., object], name: str) -> dict[str, Any]:
    while isinstance(function, partial):
        function = function.func
    try:
        return get_type_hints(function if inspect.isroutine(function) else type(function).__call__, include_extras=True)
    except (NameError, TypeError) as error:
        raise InvalidInput(f"tool {name}: its annotations cannot be resolved: {error}") from error


def _checked_hint(parameter: inspect.Parameter, hints: Mapping[str, Any], name: str) -> Any:
    if parameter.kind not in _NAMED_KINDS:
        raise InvalidInput(f"tool {name}: parameter {parameter} cannot be given by name; give it a plain one")
    if parameter.name not in hints:
        raise InvalidInput(f"tool {name}: parameter {parameter.name} has no type; annotate it")
    hint = hints[parameter.name]
    return hint.__origin__ if get_origin(hint) is Annotated and hint.__origin__ is ToolContext else hint


def _model(name: str, fields: Mapping[str, Any], parameters: Mapping[str, str]) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", alias_generator=lambda field: parameters[field])
    try:
        model: type[BaseModel] = create_model(name, __config__=config, **fields)
        model.model_json_schema()
    except (PydanticUserError, PydanticInvalidForJsonSchema) as error:
        problem = str(error).splitlines()[0]
        raise InvalidInput(f"tool {name}: its parameters have no JSON schema: {problem}") from error
    return model


def _untitled_object(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {key: _untitled(key, value) for key, value in schema.items() if key != "title"}


def _untitled(key: str, value: JsonValue) -> JsonValue:
    if key in _LITERALS:
        return value
    if isinstance(value, list):
        return [_untitled("", item) for item in value]
    if not isinstance(value, dict):
        return value
    if key in _NAMED_SCHEMAS:  # its keys are names, and one of them may well be `title`
        return {name: _untitled("", schema) for name, schema in value.items()}
    return _untitled_object(value)


def explain_refusal(error: ValidationError) -> str:
    """Why arguments were refused, a line each, without repeating the values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "\n".join(f"- {'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}" for problem in problems)
