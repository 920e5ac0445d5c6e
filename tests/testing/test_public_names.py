"""What `turnlog.testing` offers is what it says, whichever module of it was imported before."""

import pkgutil

from turnlog import testing


def test_no_public_name_is_that_of_a_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(testing.__path__)}
    assert not modules & set(testing.__all__)
