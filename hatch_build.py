"""Compiles the data path with mypyc where CPI_OAUTH_PROXY_COMPILE=1 asks for it; without it the wheel is pure Python.

The sources are the same, and stand in the wheel beside what was compiled. It takes a C compiler and about a minute.
"""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED = {
    "": "clock",
    "forwarding": "admission attempt body bounds cookies csrf exchange fields origin relay request routes target"
    " verdict",
    "oauth": "source token",
    "observe": "account logs metrics",
    "server": "arrival desk sender",
    "upstream": "connection pool",
    "wire": "body deadlines framing heads run",
}
"What one exchange passes through, but for the classes that others derive from: `wire/reading.py`, `channel.py`."


class CompileHook(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel."""

    PLUGIN_NAME = "custom"

    @property
    def asked_for(self) -> bool:
        """Whether this build compiles."""
        return self.target_name == "wheel" and os.environ.get("CPI_OAUTH_PROXY_COMPILE") == "1"

    def dependencies(self) -> list[str]:
        """What compiling needs: types of all that is imported, too."""
        if not self.asked_for:
            return []
        return ["mypy==2.4.1", "setuptools>=77", "types-PyYAML", *self.metadata.core.dependencies]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles into `build/compiled`, and has the wheel take it along."""
        if not self.asked_for or version == "editable":
            return
        from mypyc.build import mypycify  # noqa: PLC0415 - only a build that compiles has them
        from setuptools import Distribution  # noqa: PLC0415

        os.chdir(self.root)
        paths = [str(Path("proxy", room, f"{name}.py")) for room, names in COMPILED.items() for name in names.split()]
        output = Path("build", "compiled")
        command = Distribution(
            {"name": "compiled", "ext_modules": mypycify(paths, opt_level="3", debug_level="0", target_dir="build/c")}
        ).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(output), str(Path("build", "objects"))
        command.ensure_finalized()
        command.run()
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["force_include"].update({str(each): str(each.relative_to(output)) for each in output.rglob("*.so")})
