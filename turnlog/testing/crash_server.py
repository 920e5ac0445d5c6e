"""A process that runs scenarios and dies in them, as often as it is told to: `python -m turnlog.testing.crash_server`.

It reads one order a line, a JSON object, and answers each with the wait status of the fork of itself that carried it
out. It has one thread and has imported everything, so that forking it is safe and quick.
"""

import json
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from operator import attrgetter
from types import ModuleType

from turnlog.domain import InvalidInput

from .crash_run import Order, Scenario, carry_out

WARM = (
    "jsonschema",
    "psycopg_pool",
    "tomllib",
    "turnlog.infrastructure.permissions.evaluation",
    "turnlog.infrastructure.readmodels.postgres",
    "turnlog.infrastructure.readmodels.sqlite",
    "turnlog.infrastructure.store.postgres",
    "turnlog.infrastructure.store.sqlite",
    "turnlog.infrastructure.tools",
    "turnlog.testing.faulty",
)
"""Imported beforehand, so that no fork has to."""


def find_scenario(order: Order) -> Scenario:
    """Import a scenario by the name of its module or, where it has none that can be imported, by its file.

    Raises what importing it raises.
    """
    try:
        home = sys.modules.get(order.module) or import_module(order.module)
    except ModuleNotFoundError:
        home = _from_file(order.module, order.file)
    scenario: Scenario = attrgetter(order.name)(home)
    return scenario


def _from_file(name: str, file: str) -> ModuleType:
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InvalidInput(f"{file} cannot be imported as a module; put the scenario into a file of its own")
    home = module_from_spec(spec)
    sys.modules[name] = home
    try:
        spec.loader.exec_module(home)
    except BaseException:
        del sys.modules[name]
        raise
    return home


def serve() -> None:
    """Carry out the orders on standard input."""
    for line in sys.stdin:
        order = Order(**json.loads(line))
        with suppress(Exception):  # the fork will tell what is wrong with it
            find_scenario(order)
        pid = os.fork()
        if pid == 0:
            _run(order)
        sys.stdout.write(f"{os.waitpid(pid, 0)[1]}\n")
        sys.stdout.flush()


def _run(order: Order) -> None:
    """In the fork: never returns. What it writes goes to a file."""
    status = 1
    try:
        target = os.open(order.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(target, 1)
        os.dup2(target, 2)
        carry_out(find_scenario(order), order)
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it is told, and the fork ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """The argument is a JSON list: the search path of the test run."""
    sys.path[:] = json.loads(sys.argv[1])
    for name in WARM:
        import_module(name)
    serve()


if __name__ == "__main__":
    main()
