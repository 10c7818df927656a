"""A class that is compiled cannot be derived from by one that is not: mypyc says so only when it is made."""

import importlib
import inspect
import pkgutil
import sys

import proxy


def test_no_interpreted_class_derives_from_a_compiled_one() -> None:
    """There is nothing to find in the sources."""
    names = [
        each.name for each in pkgutil.walk_packages(proxy.__path__, "proxy.") if not each.name.endswith("__main__")
    ]
    compiled = {name for name in names if not str(importlib.import_module(name).__file__).endswith(".py")}

    wrong = {
        f"{member.__qualname__} from {base.__qualname__}"
        for name in set(names) - compiled
        for _, member in inspect.getmembers(sys.modules[name], inspect.isclass)
        if member.__module__ == name
        for base in member.__mro__[1:]
        if base.__module__ in compiled
    }

    assert not wrong
