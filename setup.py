"""Installs `tasks` and `worker` as `afterturn.tasks` and `afterturn.worker`, not possible in pyproject.toml.

As top-level packages they would overwrite a user's own packages `tasks` and `worker`, and uninstalling would delete
those. See docs/explanation/decisions/019-one-name-in-site-packages.md.
"""

from setuptools import find_namespace_packages, setup

NESTED_PACKAGES = ("tasks", "worker")

setup(
    packages=[
        *find_namespace_packages(include=["afterturn*", "api_shim*"]),
        *(f"afterturn.{name}" for name in NESTED_PACKAGES),
    ],
    package_dir={f"afterturn.{name}": name for name in NESTED_PACKAGES},
)
