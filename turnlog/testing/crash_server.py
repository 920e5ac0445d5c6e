"""A process that runs a scenario and dies in it, as often as it is told to: `python -m turnlog.testing.crash_server`.

It imports the scenario once, reads one order a line, a JSON object, and answers each with the wait status of the fork
of itself that carried it out. It has one thread, so that forking it is safe.
"""

import json
import os
import sys
import traceback
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from operator import attrgetter

from turnlog.domain import InvalidInput

from .crash_run import Order, Scenario, carry_out

WARM = ("jsonschema", "psycopg_pool", "turnlog.infrastructure.tools", "turnlog.infrastructure.store.sqlite")
"""Imported beforehand, so that no fork has to."""


def find_scenario(module: str, file: str, name: str) -> Scenario:
    """Import a scenario by the name of its module or, where it has none that can be imported, by its file.

    Raises InvalidInput.
    """
    try:
        home = import_module(module)
    except ModuleNotFoundError:
        spec = spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise InvalidInput(
                f"{file} cannot be imported as a module; put the scenario into a file of its own"
            ) from None
        home = module_from_spec(spec)
        sys.modules[module] = home
        spec.loader.exec_module(home)
    scenario: Scenario = attrgetter(name)(home)
    return scenario


def serve(scenario: Scenario, errors: str) -> None:
    """Carry out the orders on standard input; what the forks write goes to the file `errors`."""
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _run(scenario, order, errors)
        sys.stdout.write(f"{os.waitpid(pid, 0)[1]}\n")
        sys.stdout.flush()


def _run(scenario: Scenario, order: Order, errors: str) -> None:
    """In the fork: never returns."""
    status = 1
    try:
        target = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(target, 1)
        os.dup2(target, 2)
        carry_out(scenario, order)
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it is told, and the fork ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Arguments: a JSON object with `module`, `file`, `name`, `errors` and `path`, the search path of the test run."""
    given = json.loads(sys.argv[1])
    sys.path[:] = given["path"]
    for name in WARM:
        import_module(name)
    scenario = find_scenario(given["module"], given["file"], given["name"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    serve(scenario, given["errors"])


if __name__ == "__main__":
    main()
