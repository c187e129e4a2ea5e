from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from configparser import RawConfigParser
from importlib.metadata import distribution
from pathlib import Path
from uuid import uuid4

import kubernetes_validate
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from monitor import __version__
from monitor.cli.main import VERBS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROGRAM = [sys.executable, "-m", "monitor"]
LOADED = [*DEPLOY.rglob("*.y*ml"), DEPLOY / "ninethirty.service", ROOT / "Dockerfile"]


def service() -> RawConfigParser:
    unit = RawConfigParser(strict=False, delimiters=["="])
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "ninethirty.service", encoding="utf-8")
    return unit


def pinned(lock: str) -> dict[str, frozenset[str]]:
    """Return the hashes of files in a lock by `name==version`."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?(==[^\s;]+)(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL
    )
    hashes = r"--hash=sha256:([0-9a-f]{64})"
    return {
        f"{canonicalize_name(name)}{at}": frozenset(re.findall(hashes, rest))
        for name, at, rest in entries
    }


def closure(name: str, *extras: str) -> set[str]:
    """Return the names of an installed package and of everything it needs with these extras, on
    this Python.
    """
    found, asked, ends = (
        set[str](),
        set[tuple[str, str]](),
        [(name, extra) for extra in ("", *extras)],
    )
    while ends:
        if (end := ends.pop()) in asked:
            continue
        asked.add(end)
        found.add(end[0])
        wanted = map(Requirement, distribution(end[0]).requires or [])
        ends += [
            (canonicalize_name(one.name), inner)
            for one in wanted
            if one.marker is None or one.marker.evaluate({"extra": end[1]})
            for inner in ("", *one.extras)
        ]
    return found


def test_the_image_runs_as_nobody_in_particular_keeps_its_data_in_a_volume_and_tells_its_health() -> (
    None
):
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in final
    assert "VOLUME /var/lib/ninethirty" in final
    assert "/healthz" in final.partition("HEALTHCHECK")[2]
    assert 'ENTRYPOINT ["ninethirty"]' in final


def test_everything_in_the_image_is_installed_by_its_hash_and_so_is_what_builds_it() -> None:
    installs = [line.removesuffix(" \\") for line in re.findall(r"pip install (.+)", DOCKERFILE)]
    assert installs == [
        "--require-hashes -r build.lock",
        "--require-hashes --no-build-isolation --use-pep517 -r requirements.lock",
        "--no-deps --no-build-isolation .",
    ]
    built_with, needed = (
        {one.partition("==")[0] for one in pinned(lock)}
        for lock in ("build.lock", "requirements.lock")
    )
    assert built_with >= {"setuptools", "hatchling"}
    # It is taken out of the image again.
    assert not built_with & needed
    assert all(pinned("build.lock").values())


def test_a_version_has_one_number_and_its_section_in_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    assert (version, str(Version(version))) == (__version__, version)
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_lock_names_what_the_program_and_postgresql_need_and_developers_have_the_same_of_it() -> (
    None
):
    needed, theirs = pinned("requirements.lock"), pinned("dev.lock")
    assert {name: theirs.get(name) for name in needed} == needed
    names = {name.partition("==")[0] for name in needed}
    # Which Python it is decides of some.
    assert closure("ninethirty", "postgres") - {"ninethirty"} <= names
    assert not {"pytest", "mypy", "ruff", "playwright", "pyarrow"} & names


def test_what_the_image_copies_is_there_and_let_through_to_the_builder() -> None:
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line[:1] == "!"
    }
    copied = [
        words.split()[:-1]
        for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    ]
    names = {name for each in copied for name in each}
    assert names == allowed
    assert all((ROOT / name).exists() for name in names)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
        "build"
    ]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} <= names


def test_kubernetes_takes_every_manifest_and_never_hides_the_board_behind_a_doubt() -> None:
    folder = DEPLOY / "kubernetes"
    kinds = {}
    for manifest in yaml.safe_load_all((folder / "monitor.yaml").read_text(encoding="utf-8")):
        kubernetes_validate.validate(manifest, "1.30", strict=True)
        kinds[manifest["kind"]] = manifest
    pod = kinds["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    asked = {
        name: probe["httpGet"]["path"]
        for name, probe in container.items()
        if name.endswith("Probe")
    }
    assert asked == {
        "startupProbe": "/healthz",
        "livenessProbe": "/livez",
        "readinessProbe": "/healthz",
    }
    assert pod["securityContext"]["runAsUser"] == 10001
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        *(volume["name"] for volume in pod["volumes"]),
        *(
            claim["metadata"]["name"]
            for claim in kinds["StatefulSet"]["spec"]["volumeClaimTemplates"]
        ),
    }
    assert (
        kinds["Service"]["spec"]["selector"].items()
        <= kinds["StatefulSet"]["spec"]["template"]["metadata"]["labels"].items()
    )


def test_the_component_for_a_shared_cluster_is_taken_by_kubernetes_and_selects_the_monitor() -> (
    None
):
    folder = DEPLOY / "kubernetes"
    component = yaml.safe_load((folder / "cluster/kustomization.yaml").read_text(encoding="utf-8"))
    assert component["kind"] == "Component"
    kinds = {
        one["kind"]: one
        for one in (
            yaml.safe_load((folder / "cluster" / name).read_text())
            for name in component["resources"]
        )
    }
    assert set(kinds) == {
        "PodDisruptionBudget",
        "NetworkPolicy",
        "ServiceMonitor",
        "PrometheusRule",
    }
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        kubernetes_validate.validate(kinds[kind], "1.30", strict=True)
    base = {
        one["kind"]: one
        for one in yaml.safe_load_all((folder / "monitor.yaml").read_text(encoding="utf-8"))
    }
    labels = base["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    scraped = kinds["ServiceMonitor"]["spec"]
    assert scraped["selector"]["matchLabels"] == base["Service"]["metadata"]["labels"]
    # The rules and the boards know the monitor by this job.
    assert base["Service"]["metadata"]["labels"][scraped["jobLabel"]] == "ninethirty"
    ports = {port["name"] for port in base["Service"]["spec"]["ports"]}
    gathered = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))[
        "secretGenerator"
    ]
    for endpoint in scraped["endpoints"]:
        assert endpoint["port"] in ports
        credentials = endpoint["authorization"]["credentials"]
        assert credentials["name"] == gathered[0]["name"]
        assert f"secrets/{credentials['key']}" in gathered[0]["files"]


def test_a_cluster_alerts_by_the_same_rules_as_prometheus_does() -> None:
    rules = yaml.safe_load((DEPLOY / "kubernetes/cluster/rules.yaml").read_text(encoding="utf-8"))[
        "spec"
    ]
    assert rules == yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text(encoding="utf-8")), (
        "run `make rules`"
    )


@pytest.mark.slow
def test_what_kustomize_is_told_to_gather_is_what_the_configuration_names(tmp_path: Path) -> None:
    folder = DEPLOY / "kubernetes"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    (secret,), (config,) = kustomization["secretGenerator"], kustomization["configMapGenerator"]
    assert {secret["name"], config["name"]} == {"ninethirty"}
    for name in config["files"]:
        shutil.copy(folder / name, tmp_path)
    person = subprocess.run(
        [*PROGRAM, "user", "anne"], input=f"{uuid4()}", check=True, capture_output=True, text=True
    )
    secrets = {"users": person.stdout, "smtp_password": "p\n", "metrics_token": f"{uuid4()}\n"}
    secrets["embargoed_token"] = f"{uuid4()}\n"
    assert {Path(name).name for name in secret["files"]} == set(secrets)
    for name, text in secrets.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    built = subprocess.run(
        [*PROGRAM, "--config", "config.toml", "check"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr


@pytest.mark.parametrize("file", LOADED, ids=lambda file: file.name)
def test_no_secret_stands_in_a_file(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    values = re.findall(
        r"(?im)^[^#\n]*(?:password|secret|token|api_key)\w*[ \t]*[:=][ \t]*(\S.*)$", text
    )
    named = ("/", "{", "[", "$", "secrets:/", "false")
    # A volume of secrets that is mounted read-only ends in `ro`.
    written = [value for value in values if not value.strip("'").startswith(named)]
    assert [value for value in written if value != "ro"] == []
    assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", text)


def machine(folder: Path, *commands: str) -> dict[str, str]:
    """Return an environment with only these commands.

    Each prints its arguments, and `docker info` fails.
    """
    for name in ("sh", "dirname", "sed"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name in commands:
        answer = "[ $1 = info ] && exit 1" if name == "docker" else "[ $1 = info ] && exit 0"
        (folder / name).write_text(f"#!/bin/sh\n{answer}\necho {name} $*\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("commands", "wanted", "output"),
    [
        (("docker", "podman"), "", "podman build --format docker --build-arg VERSION="),
        (("buildah",), "", "buildah build --format docker --build-arg VERSION="),
        (("podman", "buildah"), "buildah", "buildah build --format docker --build-arg VERSION="),
    ],
)
def test_the_image_is_built_by_the_engine_that_answers(
    tmp_path: Path, commands: tuple[str, ...], wanted: str, output: str
) -> None:
    environment = machine(tmp_path, *commands) | {
        "ENGINE": wanted,
        "BASE": "base.example/python:3.11",
    }
    ran = subprocess.run(
        ["sh", DEPLOY / "image"], env=environment, check=True, capture_output=True, text=True
    )
    assert output in ran.stdout
    assert "--build-arg BASE=base.example/python:3.11 --tag ninethirty ." in ran.stdout


def test_without_an_engine_one_line_says_so(tmp_path: Path) -> None:
    ran = subprocess.run(
        ["sh", DEPLOY / "image"],
        env=machine(tmp_path, "docker"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert ran.stderr.startswith(
        "no engine to build with: docker, podman and buildah did not answer"
    )


def test_the_unit_waits_until_the_daemon_is_ready_and_restarts_it_when_it_hangs() -> None:
    unit = service()["Service"]
    assert (unit["Type"], unit["NotifyAccess"], unit["Restart"]) == ("notify", "main", "always")
    assert int(unit["WatchdogSec"]) >= 60
    assert int(unit["TimeoutStopSec"]) > 10


def test_the_unit_may_do_little_and_reads_its_secrets_as_credentials() -> None:
    unit = service()["Service"]
    assert unit["LoadCredential"].startswith("secrets:")
    assert (unit["StateDirectory"], unit["StateDirectoryMode"], unit["UMask"]) == (
        "ninethirty",
        "0700",
        "0077",
    )
    assert (unit["ProtectSystem"], unit["NoNewPrivileges"], unit["CapabilityBoundingSet"]) == (
        "strict",
        "yes",
        "",
    )


def test_the_bill_of_materials_names_everything_in_the_lock_by_its_hash() -> None:
    script = [sys.executable, str(DEPLOY / "sbom.py"), str(ROOT / "requirements.lock")]
    made = [
        subprocess.run(script, check=True, capture_output=True, text=True).stdout for _ in range(2)
    ]
    assert made[0] == made[1]
    bill = json.loads(made[0])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    named = {(one["name"], one["version"]) for one in bill["components"]}
    assert named == set(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", lock, re.MULTILINE))
    hashes = {
        each["hashes"][0]["content"]
        for one in bill["components"]
        for each in one["externalReferences"]
    }
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", lock))
    assert all(one["externalReferences"] for one in bill["components"])
    assert len({one["bom-ref"] for one in bill["components"]}) == len(bill["components"])


def test_every_verb_has_a_man_page_that_tells_what_its_help_does(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DEPLOY / "man.py"), str(tmp_path)], check=True)
    pages = {page.stem for page in tmp_path.iterdir()}
    assert {f"ninethirty-{verb}" for verb in VERBS} | {
        "ninethirty",
        "ninethirty-incident-sign",
    } <= pages
    page = (tmp_path / "ninethirty-export.1").read_text(encoding="utf-8")
    assert (
        "Export every verdict (csv, json), or every promised release as a calendar"
        in page.partition(".SH DESC")[0]
    )
    assert r"--output" in page.replace("\\", "")
