"""Virtual environments with what pip would install into them, taken from the one that runs the tests: no network."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: pip builds and installs from files only.
_OFFLINE = ("--no-index", "--no-deps", "--disable-pip-version-check", "--quiet")
_NO_EXTRA = frozenset({""})


class Environment:
    """An environment that holds a wheel and what the wheel requires, for the given extras."""

    def __init__(self, directory: Path, wheel: Path, *extras: str) -> None:
        venv.create(directory, symlinks=True)
        self.directory = directory
        self.python = directory / "bin" / "python"
        self.site_packages = Path(
            sysconfig.get_path("purelib", vars={"base": str(directory), "platbase": str(directory)})
        )
        self.install(wheel)
        [installed] = self.site_packages.glob("afterturn-*.dist-info")
        #: The names of the distributions that it brought with it.
        self.libraries = sorted(required(Distribution.at(installed), frozenset(extras) | _NO_EXTRA))
        for name in self.libraries:
            self._link(distribution(name))

    def install(self, wheel: Path) -> None:
        _pip("--python", str(self.python), "install", *_OFFLINE, str(wheel))

    def uninstall(self, name: str) -> None:
        _pip("--python", str(self.python), "uninstall", "--yes", "--quiet", name)

    def run(
        self, *command: str, cwd: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs (`python`, `afterturn`) and return how it ended."""
        program, *arguments = command
        return subprocess.run(
            [str(self.directory / "bin" / program), *arguments],
            cwd=cwd,
            env=self.variables | dict(variables or {}),
            capture_output=True,
            text=True,
            timeout=120,
        )

    @property
    def variables(self) -> dict[str, str]:
        """An environment that knows nothing of this process's own."""
        return {
            "PATH": f"{self.directory / 'bin'}{os.pathsep}{os.defpath}",
            "HOME": str(self.directory),
            "COLUMNS": "200",
        }

    def _link(self, library: Distribution) -> None:
        for name in {Path(file).parts[0] for file in library.files or ()} - {"..", "__pycache__"}:
            link = self.site_packages / name
            if not link.exists():
                link.symlink_to(Path(str(library.locate_file(name))))


def built(project: Path, directory: Path) -> Path:
    """Build a project's wheel with the setuptools that is installed here, and return its path."""
    _pip("wheel", *_OFFLINE, "--no-build-isolation", "--wheel-dir", str(directory), str(project))
    [wheel] = directory.glob("*.whl")
    return wheel


def required(of: Distribution, extras: frozenset[str]) -> set[str]:
    """Return the names of all that a distribution requires for these extras, itself left out."""
    found: dict[str, frozenset[str]] = {}
    waiting = [(of, extras)]
    while waiting:
        dependent, wanted = waiting.pop()
        for requirement in _requirements(dependent, wanted):
            name = canonicalize_name(requirement.name)
            asked = frozenset(requirement.extras) | _NO_EXTRA
            if not asked <= found.get(name, frozenset()):
                found[name] = found.get(name, frozenset()) | asked
                waiting.append((of if name == of.name else distribution(name), found[name]))
    return set(found) - {of.name}


def _requirements(of: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in of.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield requirement


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, cwd="/", capture_output=True, text=True)
