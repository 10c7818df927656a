"""deploy: replicas share tokens and outboxes in PostgreSQL."""

from pathlib import Path
from typing import Any

import yaml

from proxy.config.model import Configuration
from tests.deploy.product import DEPLOY, IMAGE, PLACE, documents, image_ports, loaded, with_files
from tests.deploy.rendering import Chart

(COMPOSE,) = documents(DEPLOY / "compose/replicas.yaml")
(SINGLE,) = documents(DEPLOY / "compose/compose.yaml")
(VALUES,) = documents(DEPLOY / "helm/replicas.yaml")
CHART = DEPLOY / "helm/cpi-oauth-proxy"
DATABASE_PORT = 5432


def manifests() -> dict[str, Any]:
    """With these values."""
    (defaults,) = documents(CHART / "values.yaml")
    policy = defaults["networkPolicy"] | VALUES["networkPolicy"]
    return Chart(folder=CHART, values=defaults | VALUES | {"networkPolicy": policy}).manifests()


def shares(configuration: Configuration) -> bool:
    """By an outbox with a database."""
    return configuration.store.postgres is not None and any(each.outbox for each in configuration.routes)


def test_both_containers_are_as_hardened_as_the_single_one() -> None:
    """And wait for the database."""
    kept = ("image", "read_only", "cap_drop", "security_opt", "restart", "stop_grace_period", "pull_policy")
    for name in ("proxy-1", "proxy-2"):
        described = COMPOSE["services"][name]
        assert {each: described[each] for each in kept} == {each: SINGLE["services"]["proxy"][each] for each in kept}
        assert described["image"] == IMAGE
        assert described["build"]["args"] == {"EXTRAS": "[postgres]"}
        assert described["depends_on"] == {"database": {"condition": "service_healthy"}}
        assert described["configs"] == [{"source": "replicas", "target": PLACE}]
        assert set(described["secrets"]) == COMPOSE["secrets"].keys()


def test_their_configuration_is_right(tmp_path: Path) -> None:
    """With secrets and database of the containers."""
    file = DEPLOY / "compose" / COMPOSE["configs"]["replicas"]["file"]
    configuration = loaded(with_files(file.read_text(), tmp_path, "/run/secrets"), tmp_path)
    assert shares(configuration)
    assert "@database/" in str(configuration.store.postgres)
    assert [each.address.port for each in configuration.listen] == image_ports()[:1]
    assert set(COMPOSE["services"]["database"]["secrets"]) <= COMPOSE["secrets"].keys()


def test_the_values_make_replicas_with_a_budget_that_reach_their_database(tmp_path: Path) -> None:
    """One of two pods may be missing; both ports are open."""
    made = manifests()
    text = made["ConfigMap"]["data"]["proxy.yaml"]
    assert shares(loaded(with_files(text, tmp_path, "/run/secrets/cpi-oauth-proxy"), tmp_path))
    assert made["Deployment"]["spec"]["replicas"] == 2
    assert made["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    egress = made["NetworkPolicy"]["spec"]["egress"]
    assert {each["port"] for rule in egress for each in rule["ports"]} == {53, 443, DATABASE_PORT}


def test_what_the_manifest_has_as_a_comment_is_right(tmp_path: Path) -> None:
    """Store and port."""
    text = (DEPLOY / "kubernetes/deployment.yaml").read_text().replace("    #store:", "    store:")
    text = text.replace("    #  ", "      ").replace("    #- ports", "    - ports")
    made = {each["kind"]: each for each in yaml.safe_load_all(text)}
    written = made["ConfigMap"]["data"]["proxy.yaml"]
    configuration = loaded(with_files(written, tmp_path, "/run/secrets/cpi-oauth-proxy"), tmp_path)
    assert configuration.store.postgres is not None
    egress = made["NetworkPolicy"]["spec"]["egress"]
    assert DATABASE_PORT in {each["port"] for rule in egress for each in rule["ports"]}
