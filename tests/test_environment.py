"""pyproject.toml, requirements.lock, environment.yml and CI say the same."""

import re
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fer_helpers import paths

TEXT = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [
    Requirement(text) for text in PROJECT["dependencies"] + [t for extra in EXTRAS.values() for t in extra]
]
LOCK_TEXT = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCK = [Requirement(line) for line in LOCK_TEXT.splitlines() if line[:1].isalnum()]
PINNED = {canonicalize_name(requirement.name): requirement for requirement in LOCK}


@pytest.mark.parametrize("direct", DIRECT, ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_within_its_range_on_every_system(direct):
    pinned = PINNED[canonicalize_name(direct.name)]
    [pin] = pinned.specifier
    assert pin.operator == "==" and direct.specifier.contains(pin.version)
    assert pinned.marker is None


@pytest.mark.parametrize("direct", DIRECT, ids=lambda requirement: requirement.name)
def test_every_dependency_says_why(direct):
    assert re.search(rf'^    "{re.escape(direct.name)}[^"]*",\s+# \S+', TEXT, re.M)


def test_the_lock_has_one_exact_version_each_and_no_address():
    assert len(PINNED) == len(LOCK)
    assert all(re.fullmatch(r"==[^*]+", str(requirement.specifier)) for requirement in LOCK)
    assert not re.search(r"https?://|file:|@ |/home/|/root/|--hash|-index-url|--find-links", LOCK_TEXT)


def test_what_is_installed_is_what_is_locked():
    """Where a package differs, the numbers of this machine are not those of the course."""
    wanted = {
        r.name: next(iter(r.specifier)).version for r in LOCK if r.marker is None or r.marker.evaluate()
    }
    differing = {}
    for name, version in wanted.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed = "missing"
        if installed != version:
            differing[name] = f"{installed}, locked {version}"
    assert not differing, "run `make venv`"


def test_opencv_still_has_its_cascades():
    import cv2

    assert "<5" in str(next(r for r in DIRECT if r.name == "opencv-python-headless").specifier)
    assert hasattr(cv2, "CascadeClassifier")


def test_conda_gets_the_same_list():
    environment = yaml.safe_load((paths.ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, pip_list = environment["dependencies"]
    assert pip == "pip"
    assert pip_list == {"pip": ["-r requirements.lock", "-e ."]}
    assert (
        Requirement(python.replace(" ", "")).specifier
        == Requirement("python" + PROJECT["requires-python"]).specifier
    )


def test_this_python_is_supported():
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in ("3.11", "3.12", "3.13")


def test_ci_runs_the_one_script():
    jobs = yaml.safe_load((paths.ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    assert ".ci/run" in [step.get("run") for step in jobs["test"]["steps"]]
    script = (paths.ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script
    assert re.search(r"^make lint$", script, re.M) and re.search(r"^make test$", script, re.M)


def test_help_lists_every_command():
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.search(r"^\.PHONY: (.*)$", makefile, re.M).group(1).split())
    assert commands == set(re.findall(r"^([a-z]+):.*## \S", makefile, re.M))
