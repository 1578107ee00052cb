"""What pyproject.toml cannot say: the rooms `tasks` and `worker` are installed as parts of `afterturn`.

Under their own names they would overwrite a user's packages `tasks` and `worker`, and uninstalling would delete those.
docs/explanation/decisions/019-one-name-in-site-packages.md tells more.
"""

from setuptools import find_namespace_packages, setup

ROOMS = ("tasks", "worker")

setup(
    packages=[*find_namespace_packages(include=["afterturn*", "api_shim*"]), *(f"afterturn.{room}" for room in ROOMS)],
    package_dir={f"afterturn.{room}": room for room in ROOMS},
)
