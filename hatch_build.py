"""Compiles the data path into the wheel with mypyc: the same sources, less CPU for a message.

It takes a C compiler, Python's headers and about a minute. CPI_OAUTH_PROXY_COMPILE says whether: `auto`, the default,
where the two are there, and with a pure wheel where they are not, or fail; `1`: it must succeed; `0`: not at all. An
editable installation is never compiled. MYPYC_OPT_LEVEL=0 compiles in a third of the time what is only tested.
"""

import os
import shutil
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED = {
    "": "clock hosts",
    "cpi": "mpl",
    "forwarding": "admission attempt body context cookies detached exchange fields path_readings prepared_request"
    " refusal relay request routes sender_address target verdict",
    "forwarding/csrf": "fetch scheme session unit",
    "forwarding/limits": "route_limits",
    "oauth": "source token",
    "outbox": "acceptance circuit_breaker contents delivery message running_delivery schedule",
    "outbox/sqlite": "accepting database database_thread orders sender_ids settling taking tally",
    "observe": "exchange_record log_format metrics",
    "server": "listener_context request_parser sender_connection sender_state sender_transport",
    "upstream": "connection origin pool request response_parser",
    "wire": "body coroutine_runner deadlines field_names framing grammar heads records request_target",
}
"What one exchange passes through, except classes that are derived from (`wire/reading.py`, `observe/process_log.py`)."
TOOLS = ("mypy==", "setuptools==", "types-pyyaml==")
"In the versions that are tried: mypyc's faults differ from one to the next."
LENIENT = ("--ignore-missing-imports", "--allow-subclassing-any", "--no-warn-unused-ignores")
"`make check` is strict; here the extras are missing."
VARIABLE = "CPI_OAUTH_PROXY_COMPILE"


class CompileHook(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel."""

    PLUGIN_NAME = "custom"

    @property
    def wanted(self) -> str:
        """`auto`, `1` or `0`; ValueError for anything else."""
        wanted = os.environ.get(VARIABLE) or "auto"
        if wanted not in ("auto", "1", "0"):
            raise ValueError(f"{VARIABLE} is auto, 1 or 0")
        return wanted

    def compiles(self) -> bool:
        """Whether this build is to."""
        return self.target_name == "wheel" and (self.wanted == "1" or (self.wanted == "auto" and can_compile()))

    def dependencies(self) -> list[str]:
        """What compiling needs: types of all that is imported, too."""
        lines = Path(self.root, "constraints.lock").read_text().splitlines()
        tools = [line.removesuffix(" \\") for line in lines if line.startswith(TOOLS)]
        return [*tools, *self.metadata.core.dependencies] * self.compiles()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Has the wheel take along what it compiles."""
        if version == "editable" or not self.compiles():
            return
        output = Path(self.root, "build", "compiled")
        try:
            compile_into(Path(self.root), output)
        except (Exception, SystemExit) as error:
            if self.wanted == "1":
                raise
            self.app.display_warning(f"The wheel is pure Python, and slower, for compiling failed: {error!r}")
            return
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["force_include"].update({str(each): str(each.relative_to(output)) for each in output.rglob("*.so")})


def can_compile() -> bool:
    """Whether there is a C compiler, and what Python extensions need."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return bool(shutil.which(compiler)) and Path(sysconfig.get_path("include"), "Python.h").exists()


def compile_into(root: Path, output: Path) -> None:
    """Compiles into a folder, which has had nothing of earlier builds."""
    from mypyc.build import mypycify  # noqa: PLC0415 - only a build that compiles has them
    from setuptools import Distribution  # noqa: PLC0415

    shutil.rmtree(root / "build", ignore_errors=True)
    os.chdir(root)
    paths = [str(Path("proxy", room, f"{name}.py")) for room, names in COMPILED.items() for name in names.split()]
    level = os.environ.get("MYPYC_OPT_LEVEL") or "3"
    modules = mypycify(
        [*LENIENT, *paths],
        opt_level=level,
        debug_level="0",
        multi_file=level == "0",  # one file is slow to compile, and lets the compiler optimise across modules
        target_dir=str(root / "build" / "c"),
    )
    command = Distribution({"name": "compiled", "ext_modules": modules}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(output), str(root / "build" / "objects")
    command.ensure_finalized()
    compile_side_by_side(command)


def compile_side_by_side(command: Any) -> None:
    """Runs setuptools' build_ext with as many C compilers as there are processors; by itself it runs one."""
    build_all = command.build_extensions

    def build_extensions() -> None:
        compile_files = command.compiler.compile
        with ThreadPoolExecutor(os.cpu_count()) as pool:

            def compile_each(sources: list[str], **options: Any) -> list[str]:
                each = pool.map(lambda source: compile_files([source], **options), sources)
                return [compiled for found in each for compiled in found]

            command.compiler.compile = compile_each
            build_all()

    command.build_extensions = build_extensions
    command.parallel = os.cpu_count()
    command.run()
