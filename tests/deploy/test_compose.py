"""deploy/compose: the proxy as a container, and its trial."""

import re
from pathlib import Path
from typing import Any

from proxy.cli.sandbox import PORT_BASE
from proxy.config.parsed_values import parse_duration
from tests.cases import cases
from tests.deploy.product import (
    DEPLOY,
    IMAGE,
    PLACE,
    ROOT,
    documents,
    image_command,
    image_ports,
    image_user,
    image_volume,
    loaded,
    understood,
    with_files,
)

FOLDER = DEPLOY / "compose"
(COMPOSE,) = documents(FOLDER / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]


def configuration_of(service: str) -> Path:
    """Where the image looks for it."""
    (named,) = SERVICES[service]["configs"]
    assert named["target"] == PLACE
    return FOLDER / str(COMPOSE["configs"][named["source"]]["file"])


@cases("service", *SERVICES)
def test_nothing_is_writable_and_nothing_privileged(service: str) -> None:
    """Nor can it become somebody else."""
    described = SERVICES[service]
    assert described["image"] == IMAGE
    assert (described["read_only"], described["cap_drop"]) == (True, ["ALL"])
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in described
    assert all(re.search(r"size=\d+m", each) for each in described.get("tmpfs", ()))
    assert "entrypoint" not in described


@cases("service", "proxy", "trial")
def test_the_configuration_is_right_and_listens_where_the_image_says(service: str, tmp_path: Path) -> None:
    """Docker waits longer than draining takes."""
    text = with_files(configuration_of(service).read_text(), tmp_path, "/run/secrets", "/sandbox")
    configuration = loaded(text, tmp_path)
    assert [each.address.port for each in configuration.listen] == image_ports()[:1]
    assert configuration.admin.address.port == image_ports()[1]
    assert configuration.admin.address.loopback
    assert parse_duration(SERVICES[service]["stop_grace_period"]) > configuration.drain_timeout
    assert "command" not in SERVICES[service]
    assert image_command()[1:] == ["run"]
    published = SERVICES["proxy" if service == "proxy" else "sandbox"]["ports"]
    assert published == ["127.0.0.1:{0}:{0}".format(*image_ports())]


def test_each_secret_that_the_configuration_names_is_mounted() -> None:
    """Under its name."""
    named = {f"/run/secrets/{each}" for each in SERVICES["proxy"]["secrets"]}
    (client,) = documents(configuration_of("proxy"))[0]["oauth_clients"].values()
    assert {client["service_key_file"]} == named
    assert COMPOSE["secrets"].keys() == set(SERVICES["proxy"]["secrets"])


@cases("service", *SERVICES)
def test_compose_builds_the_image_itself(service: str) -> None:
    """Never pulled from elsewhere."""
    described = SERVICES[service]
    assert (FOLDER / described["build"]["context"]).resolve() == ROOT
    assert described["pull_policy"] == "build"


def test_the_recipe_gives_the_secret_to_the_image_s_user_alone() -> None:
    """The first lines show the command."""
    command = re.search(r"#   sudo (install .+)", (FOLDER / "compose.yaml").read_text())
    assert command is not None
    words = command[1].split()
    assert {f"--owner={image_user()}", f"--group={image_user()}", "--mode=0400"} <= set(words)
    assert words[-1] == COMPOSE["secrets"]["service-key"]["file"]


def test_outboxes_are_on_a_volume() -> None:
    """At the image's place; no other service has one."""
    assert SERVICES["proxy"]["volumes"] == [f"outbox:{image_volume()}"]
    assert COMPOSE["volumes"]["outbox"] is None
    assert "environment" not in SERVICES["proxy"]


def test_the_trial_finds_its_tenant() -> None:
    """By the sandbox's network and files."""
    sandbox, trial = SERVICES["sandbox"], SERVICES["trial"]
    options = understood(sandbox["command"])
    assert (options["directory"], options["port_base"]) == (Path("/sandbox"), PORT_BASE)
    assert f":{PORT_BASE + 3}/" in sandbox["healthcheck"]["test"][-1]
    assert sandbox["volumes"] == ["sandbox:/sandbox"]
    assert trial["volumes"] == ["sandbox:/sandbox:ro"]
    assert trial["network_mode"] == "service:sandbox"
    assert trial["depends_on"] == {"sandbox": {"condition": "service_healthy"}}
    mode = dict(each.split("=") for each in COMPOSE["volumes"]["sandbox"]["driver_opts"]["o"].split(","))
    assert mode == {"uid": str(image_user()), "gid": str(image_user()), "mode": "0700", "size": "16m"}
    assert SERVICES["sandbox"]["profiles"] == SERVICES["trial"]["profiles"] == ["trial"]
    assert "profiles" not in SERVICES["proxy"]
