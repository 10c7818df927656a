"""deploy/helm: templates, values, schema."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy import __version__
from tests.cases import cases
from tests.deploy import pods
from tests.deploy.product import DEPLOY, IMAGE, PLACE, documents, image_ports, loaded, with_files
from tests.deploy.rendering import Chart

FOLDER = DEPLOY / "helm/cpi-oauth-proxy"
(VALUES,) = documents(FOLDER / "values.yaml")
SCHEMA = json.loads((FOLDER / "values.schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
FREE = {"configuration", "listener", "resources", "podAnnotations"}
"What is handed on as a whole."


def leaves(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """That a template can ask for."""
    for name, value in values.items():
        if isinstance(value, dict) and value and name not in FREE:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield path + name


def test_templates_ask_for_each_value_and_for_no_other() -> None:
    """All promises are kept."""
    texts = [each.read_text() for each in (FOLDER / "templates").iterdir()]
    asked = {name for text in texts for name in re.findall(r"\.Values\.([\w.]+)", text)}
    assert asked == set(leaves(VALUES))


def test_the_schema_knows_each_value_and_no_other() -> None:
    """And its type; `global` is Helm's."""

    def compare(schema: Mapping[str, Any], values: Mapping[str, Any], path: str) -> None:
        known = {name for name, rule in schema["properties"].items() if rule is not False}
        if schema.get("additionalProperties") is False:
            assert known - {"global"} == values.keys(), path
        for name, value in values.items():
            if rule := schema["properties"].get(name):
                assert isinstance(value, TYPES[rule["type"]]), (path, name)
                if isinstance(value, dict) and "properties" in rule:
                    compare(rule, value, f"{path}{name}.")

    assert SCHEMA["additionalProperties"] is False
    compare(SCHEMA, VALUES, "")


def test_what_the_chart_writes_itself_is_refused_in_the_configuration() -> None:
    """The proxy takes no key twice."""
    text = (FOLDER / "templates/configmap.yaml").read_text()
    own = set(re.findall(r"(?m)^    (\w+):", text.partition("proxy.yaml: |")[2]))
    refused = {name for name, rule in SCHEMA["properties"]["configuration"]["properties"].items() if rule is False}
    assert refused == own == {"listen", "admin", "drain_timeout"}


def changed(**values: Any) -> dict[str, Any]:
    """Some values."""
    return {**VALUES, **values}


@cases(
    "values",
    {
        "as they come": VALUES,
        "other ports and times": changed(
            drainSeconds=300, ports={"http": 8443, "admin": 9000}, podAnnotations={}, imagePullSecrets=[{"name": "a"}]
        ),
        "lists and mappings": changed(
            service={"type": "LoadBalancer", "annotations": {"a": "b"}}, tolerations=[{"key": "dmz"}]
        ),
    },
)
def test_what_is_rendered_serves_the_configuration_in_the_values(values: dict[str, Any], tmp_path: Path) -> None:
    """As pods of the plain manifests."""
    manifests = Chart(folder=FOLDER, values=values).manifests()
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (proxy,) = pod["containers"]
    text = manifests["ConfigMap"]["data"]["proxy.yaml"]
    configuration = loaded(with_files(text, tmp_path, pods.secret_mount(pod, proxy)), tmp_path)
    pods.check(pod, proxy, configuration, waits=5)
    assert configuration.drain_timeout == values["drainSeconds"]
    assert configuration.listen[0].address.port == proxy["ports"][0]["containerPort"] == values["ports"]["http"]
    assert proxy["image"] == f"{IMAGE}:{__version__}"
    mounted = {each["name"]: each["mountPath"] for each in proxy["volumeMounts"]}
    assert mounted["configuration"] == str(Path(PLACE).parent)
    (port,) = manifests["Service"]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (values["ports"]["http"], "http")
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    annotations = manifests["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(configuration.admin.address.port)
    assert annotations.keys() >= values["podAnnotations"].keys()


def test_a_changed_configuration_makes_new_pods() -> None:
    """It is read at the start only."""

    def mark(path: str) -> str:
        route = {"path": path, "upstream": "/http/x", "oauth_client": "tenant"}
        values = changed(configuration={**VALUES["configuration"], "routes": [route]})
        template = Chart(folder=FOLDER, values=values).manifests()["Deployment"]["spec"]["template"]
        return str(template["metadata"]["annotations"]["cpi-oauth-proxy/configuration"])

    assert mark("/a") == mark("/a") != mark("/b")


def test_listeners_without_a_list_of_networks_can_be_had() -> None:
    """For routes with `inbound_auth`."""
    text = Chart(folder=FOLDER, values=changed(listener={})).manifests()["ConfigMap"]["data"]["proxy.yaml"]
    assert yaml.safe_load(text)["listen"] == [{"address": f"0.0.0.0:{image_ports()[0]}"}]


def test_the_network_policy_is_that_of_the_plain_manifests() -> None:
    """By default; it can be switched off."""
    plain = next(each for each in documents(DEPLOY / "kubernetes/deployment.yaml") if each["kind"] == "NetworkPolicy")
    ours = Chart(folder=FOLDER, values=VALUES).manifests()["NetworkPolicy"]
    assert {**ours["spec"], "podSelector": plain["spec"]["podSelector"]} == plain["spec"]
    off = changed(networkPolicy={**VALUES["networkPolicy"], "enabled": False})
    assert "NetworkPolicy" not in Chart(folder=FOLDER, values=off).manifests()


def test_the_outbox_is_a_switch(tmp_path: Path) -> None:
    """A StatefulSet with a volume, reached by its commands."""
    values = changed(
        outbox={"enabled": True, "size": "20Gi", "storageClass": "fast"}, ports={"http": 8080, "admin": 9000}
    )
    manifests = Chart(folder=FOLDER, values=values).manifests()
    plain = Chart(folder=FOLDER, values=changed(ports=values["ports"])).manifests()
    assert manifests.keys() == plain.keys() - {"Deployment"} | {"StatefulSet"}
    spec = manifests["StatefulSet"]["spec"]
    pods.check_outbox(manifests["StatefulSet"])
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"] == {"requests": {"storage": "20Gi"}}
    assert claim["spec"]["storageClassName"] == "fast"
    default = Chart(folder=FOLDER, values=changed(outbox={**VALUES["outbox"], "enabled": True})).manifests()
    assert "storageClassName" not in default["StatefulSet"]["spec"]["volumeClaimTemplates"][0]["spec"]
    pod, other = spec["template"]["spec"], plain["Deployment"]["spec"]["template"]["spec"]
    (proxy,), (theirs,) = pod["containers"], other["containers"]
    text = manifests["ConfigMap"]["data"]["proxy.yaml"]
    configuration = loaded(with_files(text, tmp_path, pods.secret_mount(pod, proxy)), tmp_path)
    pods.check(pod, proxy, configuration, waits=5, local=True)
    for name in pod.keys() - {"containers"}:
        assert pod[name] == other[name]
    for name in proxy.keys() - {"ports", "startupProbe", "livenessProbe", "readinessProbe", "volumeMounts"}:
        assert proxy[name] == theirs[name]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert spec["serviceName"] == manifests["Service"]["metadata"]["name"]
    assert manifests["Service"]["spec"]["selector"] == spec["selector"]["matchLabels"]


def test_the_chart_is_of_this_version() -> None:
    """And so is the image, without a tag."""
    (chart,) = documents(FOLDER / "Chart.yaml")
    assert (chart["appVersion"], chart["name"]) == (__version__, IMAGE)


@pytest.mark.needs("helm")
def test_helm_renders_the_same() -> None:
    """And has no complaint."""
    subprocess.run(["helm", "lint", "--strict", FOLDER], check=True, capture_output=True)
    rendered = subprocess.run(["helm", "template", "cpi", FOLDER], check=True, capture_output=True, text=True).stdout
    ours = Chart(folder=FOLDER, values=VALUES).manifests()
    theirs = {each["kind"]: each for each in yaml.safe_load_all(rendered)}
    for manifests in (ours, theirs):
        del manifests["Deployment"]["spec"]["template"]["metadata"]["annotations"]["cpi-oauth-proxy/configuration"]
        manifests["ConfigMap"]["data"]["proxy.yaml"] = yaml.safe_load(manifests["ConfigMap"]["data"]["proxy.yaml"])
    assert theirs == ours
