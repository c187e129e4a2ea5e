"""`docker compose up` in deploy/ needs no preparation: secrets are generated and the board answers
on its port.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bench.daemons import free_port
from monitor.web.users import read_people
from tests.deploy.conftest import DEPLOY, ROOT, running, until
from tests.unit.monitor.web.people import hidden_field

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
SERVED = ("ninethirty", "prometheus", "alertmanager", "grafana")
# Any address of this machine but 127.0.0.1 shows that it listens on all of them.
OTHER = "127.0.0.2"


def mounts(service: str) -> dict[str, str]:
    """Return the mounts of a service: the source by path in the container."""
    return {mount.split(":")[1]: mount.split(":")[0] for mount in SERVICES[service]["volumes"]}


def make_secrets(given: Path, made: Path) -> str:
    """Run the script of the service `secrets` with the program on its path. Return its output."""
    bin_ = made.parent / "bin"
    bin_.mkdir(exist_ok=True)
    program = bin_ / "ninethirty"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m monitor "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    command = ["sh", str(DEPLOY / "make-secrets"), str(given), str(made)]
    return subprocess.run(
        command, check=True, env=environment, capture_output=True, text=True
    ).stdout


def test_the_services_find_each_other_and_their_files() -> None:
    assert set(SERVICES) == {*SERVED, "secrets"}
    for name, table in SERVICES.items():
        for source in mounts(name).values():
            assert (
                (DEPLOY / source).exists()
                if source.startswith(".")
                else source in COMPOSE["volumes"]
            )
        assert all(port.startswith("127.0.0.1:") for port in table.get("ports", []))
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))[
        "scrape_configs"
    ]
    hosts = {
        target.split(":")[0]
        for job in scraped
        for each in job["static_configs"]
        for target in each["targets"]
    }
    assert hosts - {"localhost"} <= set(SERVICES)


def test_no_service_waits_for_a_file_that_is_not_in_the_repository() -> None:
    assert "secrets" not in COMPOSE
    bound = {
        source for name in SERVICES for source in mounts(name).values() if source.startswith(".")
    }
    kept = subprocess.run(
        ["git", "ls-files", "."], check=True, cwd=DEPLOY, capture_output=True, text=True
    ).stdout
    if kept:
        assert {
            one for one in bound if not any(f"./{file}".startswith(one) for file in kept.split())
        } == set()


def test_every_service_starts_after_its_own_secrets_are_made_and_sees_no_others() -> None:
    made = mounts("secrets")
    for name in SERVED:
        assert SERVICES[name]["depends_on"]["secrets"] == {
            "condition": "service_completed_successfully"
        }
        assert mounts(name)["/run/secrets"] == made[f"/made/{name}"] == f"{name}-secrets"
    assert SERVICES["secrets"]["entrypoint"][2:] == ["/given", "/made"]
    assert SERVICES["secrets"]["network_mode"] == "none"


def test_the_daemon_is_not_the_first_process_of_its_container() -> None:
    # A signal that comes before Python can handle any would be lost on a first process.
    assert SERVICES["ninethirty"]["init"] is True


def test_given_secrets_are_kept_out_of_git() -> None:
    files = ("secrets/users", "secrets/smtp_password", "kubernetes/secrets/users")
    ignored = subprocess.run(
        ["git", "check-ignore", *files], check=False, cwd=DEPLOY, capture_output=True, text=True
    )
    # An unpacked archive has no git repository.
    assert ignored.returncode == 128 or ignored.stdout.split() == list(files)


@pytest.mark.slow
def test_secrets_that_are_not_given_are_generated_once(tmp_path: Path) -> None:
    given, made = tmp_path / "given", tmp_path / "made"
    given.mkdir()
    output = make_secrets(given, made)
    files = {
        str(file.relative_to(made)): file.read_text(encoding="utf-8")
        for file in made.rglob("*")
        if file.is_file()
    }
    assert set(files) == {
        "ninethirty/board_password",
        "ninethirty/embargoed_token",
        "ninethirty/metrics_token",
        "ninethirty/users",
        "prometheus/embargoed_token",
        "prometheus/metrics_token",
        "prometheus/prometheus_password",
        "prometheus/alertmanager_password",
        "prometheus/web.yml",
        "alertmanager/web.yml",
        "grafana/grafana_password",
        "grafana/prometheus_password",
    }
    assert files["ninethirty/metrics_token"] == files["prometheus/metrics_token"]
    people, faults = read_people(files["ninethirty/users"], "users")
    assert (list(people), faults) == (["admin"], [])
    # Both tokens and the password of Prometheus are there twice.
    assert len({*files.values()}) == len(files) - 3
    # The container's log keeps the output, so it must not contain a password.
    assert "cat /run/secrets/board_password" in output
    assert not any(text.strip() in output for text in files.values())
    assert all(file.stat().st_mode & 0o077 == 0 for file in made.rglob("*") if file.is_file())
    make_secrets(given, made)
    assert {
        str(file.relative_to(made)): file.read_text(encoding="utf-8")
        for file in made.rglob("*")
        if file.is_file()
    } == files


@pytest.mark.needs("prometheus")
@pytest.mark.slow
async def test_prometheus_answers_only_with_the_generated_password(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    make_secrets(tmp_path / "given", tmp_path / "made")
    secrets, port = tmp_path / "made/prometheus", free_port()
    (tmp_path / "prometheus.yml").write_text("{}", encoding="utf-8")
    flags = {
        "config.file": tmp_path / "prometheus.yml",
        "storage.tsdb.path": tmp_path / "data",
        "web.config.file": secrets / "web.yml",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    password = (secrets / "prometheus_password").read_text(encoding="utf-8").strip()
    arguments = [f"--{name}={value}" for name, value in flags.items()]
    async with (
        running("prometheus", *arguments),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):

        async def statuses() -> list[int] | None:
            try:
                attempts = [
                    await client.get("/-/healthy", auth=auth)
                    for auth in (None, ("admin", "guess"), ("admin", password))
                ]
            except httpx.TransportError:
                return None
            return [one.status_code for one in attempts]

        async def only_the_password_opens() -> bool:
            return await statuses() == [401, 401, 200]

        await until("only the password opens it", only_the_password_opens)


@pytest.mark.slow
def test_a_given_secret_replaces_the_generated_one(tmp_path: Path) -> None:
    given, made = tmp_path / "given", tmp_path / "made"
    given.mkdir()
    make_secrets(given, made)
    for name in ("users", "metrics_token", "grafana_password", "smtp_password"):
        (given / name).write_text(f"own {name}\n", encoding="utf-8")
    assert "board_password" not in make_secrets(given, made)
    for place in (
        "ninethirty/users",
        "ninethirty/metrics_token",
        "ninethirty/smtp_password",
        "prometheus/metrics_token",
        "alertmanager/smtp_password",
        "grafana/grafana_password",
    ):
        assert (made / place).read_text(encoding="utf-8") == f"own {place.partition('/')[2]}\n"
    assert not (made / "ninethirty/board_password").exists()


@asynccontextmanager
async def container(folder: Path) -> AsyncIterator[tuple[int, Path]]:
    """Run the container's command with its configuration and without prepared secrets.

    Yields port and secrets.

    Only paths, the port and the proxy differ, so that no request leaves the machine.
    """
    (folder / "given").mkdir()
    make_secrets(folder / "given", folder / "made")
    secrets, port = folder / "made/ninethirty", free_port()
    shutil.copytree(DEPLOY / "config", folder / "config")
    config = folder / "config/config.toml"
    text = config.read_text(encoding="utf-8")
    assert 'listen = "0.0.0.0:9030"' in text
    text = text.replace("0.0.0.0:9030", f"0.0.0.0:{port}").replace("/run/secrets", str(secrets))
    config.write_text(
        text.replace("[network]", '[network]\nproxy = "http://127.0.0.1:1"'), encoding="utf-8"
    )
    (folder / "data").mkdir()
    environment = {**os.environ, "NINETHIRTY_CONFIG": str(config), "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "monitor", "run"]
        async with running(*command, cwd=folder / "data", env=environment, stdout=log, stderr=log):
            yield port, secrets


@pytest.mark.slow
async def test_the_board_answers_on_every_address_and_its_generated_user_can_sign_in(
    tmp_path: Path,
) -> None:
    assert "9030:9030" in SERVICES["ninethirty"]["ports"][0]
    async with (
        container(tmp_path) as (port, secrets),
        httpx.AsyncClient(
            base_url=f"http://{OTHER}:{port}", trust_env=False, follow_redirects=True
        ) as client,
    ):

        async def answers() -> bool:
            try:
                return (await client.get("/healthz")).is_success
            except httpx.TransportError:
                return False

        await until("the board answers", answers)
        page = await client.get("/", headers={"Accept": "text/html"})
        assert page.url.path == "/sign-in"
        password = (secrets / "board_password").read_text(encoding="utf-8").strip()
        sent = {
            "name": "admin",
            "password": password,
            "mark": hidden_field(page, "mark"),
            "next": "/",
        }
        board = await client.post("/sign-in", data=sent)
        assert board.status_code == 200
        assert "admin" in board.text
        token = (secrets.parent / "prometheus/metrics_token").read_text(encoding="utf-8").strip()
        metrics = await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert "\nninethirty_build_info{" in metrics.text
