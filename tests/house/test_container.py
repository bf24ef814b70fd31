"""The container, as far as it can be proven without an engine: its build steps are run here, in a virtual environment."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.settings import Settings

ROOT = Path(__file__).parents[2]
NOT_SETTINGS = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage of the Dockerfile, with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for instruction, _, rest in lines:
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, rest.strip()))
    return found


def in_the_image(instruction: str) -> list[str]:
    return [rest for name, rest in stages()[-1] if name == instruction]


def names_in(pins: str) -> set[str]:
    """The names before "==", as package indexes write them."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE)}


def run(command: object, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=without_pips_configuration(), capture_output=True, text=True, check=False, **more
    )


def without_pips_configuration() -> dict[str, str]:
    """The environment of an image: no configuration of pip's, no way to other indexes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    certificates = {name: os.environ[name] for name in ("PIP_CERT",) if name in os.environ}
    return kept | certificates | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """What the first stage makes: its COPY and RUN instructions, carried out under a temporary folder."""
    place = tmp_path_factory.mktemp("image")
    source = place / "src"
    source.mkdir()
    for instruction, rest in stages()[0]:
        if instruction == "COPY":
            *names, target = rest.split()
            for name in names:
                goal = source / target / Path(name).name if target.endswith("/") else source / target
                goal.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, goal, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / name, goal)
        elif instruction == "RUN":
            here = rest.replace("/opt/", f"{place}/opt/").replace(
                "python -m venv", f"{shlex.quote(sys.executable)} -m venv"
            )
            made = run(here, shell=True, cwd=source)
            assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    return place / "opt" / "understory"


@pytest.mark.timeout(600)
def test_the_build_steps_install_a_command_that_speaks(installed, tmp_path):
    said = run([installed / "bin" / "understory", "--help"], cwd=tmp_path)

    assert said.returncode == 0
    assert said.stdout.startswith("Usage: understory ")


@pytest.mark.timeout(600)
def test_the_wheel_brings_every_file_of_the_packages(installed):
    packages = next(installed.glob("lib/python*/site-packages"))
    ours = [path.relative_to(ROOT) for name in ("bot", "handlers", "migrations") for path in (ROOT / name).rglob("*")]
    wanted = {path for path in ours if (ROOT / path).is_file() and "__pycache__" not in path.parts}

    assert {path for path in wanted if not (packages / path).is_file()} == set()
    assert {path.suffix for path in wanted} >= {".py", ".po", ".yaml", ".html", ".css", ".js", ".mako"}


@pytest.mark.timeout(600)
def test_nothing_but_what_is_needed_to_run_is_installed(installed):
    listed = run([installed / "bin" / "python", "-m", "pip", "list", "--format=freeze"]).stdout

    locked = names_in((ROOT / "requirements/run.txt").read_text())
    brought_by_venv = {"pip", "setuptools"}
    assert names_in(listed) - locked - brought_by_venv == {"understory"}


def test_the_dockerfile_has_nothing_to_be_said_against_it():
    hadolint = Path(sys.executable).with_name("hadolint")

    said = run([hadolint, "--failure-threshold", "info", ROOT / "Dockerfile"])

    assert (said.returncode, said.stdout) == (0, "")


def test_the_image_runs_as_nobody_in_particular_and_writes_only_to_its_volume():
    user, _, group = in_the_image("USER")[-1].partition(":")

    assert int(user) > 1000
    assert int(group) > 1000
    assert in_the_image("VOLUME") == ["/data"]
    assert in_the_image("WORKDIR") == ["/data"]
    assert len(in_the_image("HEALTHCHECK")) == 1


def test_no_secret_is_in_the_image_and_every_variable_is_a_setting():
    names = re.findall(
        r"(\w+)=", " ".join(rest for stage in stages() for name, rest in stage if name in {"ENV", "ARG"})
    )
    settings = {name.upper() for name in Settings.model_fields}

    assert {name for name in names if name not in settings | NOT_SETTINGS and not name.startswith("PIP_")} == set()
    assert [name for name in names if re.search("TOKEN|SECRET|KEYS|PASSWORD", name)] == []


def test_compose_sets_only_settings_that_exist_and_takes_every_privilege_away():
    services = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())["services"]
    bot = services["bot"]
    settings = {name.upper() for name in Settings.model_fields}

    assert set(bot["environment"]) - settings == set()
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert bot["depends_on"] == {"db": {"condition": "service_healthy"}}


@pytest.mark.parametrize("lock", ["run", "dev", "build"])
def test_a_lock_names_no_address_and_gives_every_package_its_hashes(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    packages = [block for block in re.split(r"\n(?=\S)", text) if block.strip()]

    assert re.findall(r"https?://|index-url|find-links", text) == []
    assert [block.split()[0] for block in packages if "--hash=sha256:" not in block] == []


def test_what_runs_is_locked_to_the_same_versions_as_what_is_tested():
    def pins(lock):
        return set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE))

    assert pins("run") - pins("dev") == set()
    assert pins("build") - pins("dev") == set()
