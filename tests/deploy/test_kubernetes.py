"""deploy/kubernetes: the proxy as a Deployment, and as a sidecar."""

import json
from pathlib import Path
from typing import Any

from proxy import __version__
from proxy.config.parsed_values import parse_size
from tests.deploy import pods
from tests.deploy.product import DEPLOY, IMAGE, PLACE, documents, from_variables, image_ports, loaded, with_files

FOLDER = DEPLOY / "kubernetes"
MANIFESTS: dict[str, Any] = {each["kind"]: each for each in documents(FOLDER / "deployment.yaml")}
POD: dict[str, Any] = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
(PROXY,) = POD["containers"]


def test_the_deployment_serves_what_its_configmap_says(tmp_path: Path) -> None:
    """Ports, probes, times."""
    text = MANIFESTS["ConfigMap"]["data"]["proxy.yaml"]
    configuration = loaded(with_files(text, tmp_path, pods.secret_mount(POD, PROXY)), tmp_path)
    (pause,) = (each for each in PROXY["lifecycle"]["preStop"]["exec"]["command"] if "sleep" in each)
    assert pause == "import time; time.sleep(5)"
    pods.check(POD, PROXY, configuration, waits=5)
    assert PROXY["image"] == f"{IMAGE}:{__version__}"
    assert [each["containerPort"] for each in PROXY["ports"]] == image_ports()
    assert [each.address.port for each in configuration.listen] == image_ports()[:1]
    assert configuration.listen[0].allow
    annotations = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(configuration.admin.address.port)
    mounted = {each["name"]: each["mountPath"] for each in PROXY["volumeMounts"]}
    assert mounted["configuration"] == str(Path(PLACE).parent)


def test_all_manifests_are_about_the_same_pods() -> None:
    """Named as in configuration and secret."""
    labels = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert MANIFESTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["Service"]["spec"]["selector"] == labels
    assert MANIFESTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    (port,) = MANIFESTS["Service"]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (image_ports()[0], PROXY["ports"][0]["name"])
    (configuration, _, _) = POD["volumes"]
    assert configuration["configMap"]["name"] == MANIFESTS["ConfigMap"]["metadata"]["name"]
    assert MANIFESTS["Deployment"]["spec"]["replicas"] > MANIFESTS["PodDisruptionBudget"]["spec"]["maxUnavailable"]


def test_the_network_policy_lets_through_what_is_needed_and_no_more() -> None:
    """In: senders and Prometheus; out: names and tenants."""
    spec = MANIFESTS["NetworkPolicy"]["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in spec["ingress"] for port in rule["ports"]] == [
        each["name"] for each in PROXY["ports"]
    ]
    assert all(rule["from"] for rule in spec["ingress"])
    outwards = [(port["protocol"], port["port"]) for rule in spec["egress"] for port in rule["ports"]]
    assert outwards == [("UDP", 53), ("TCP", 53), ("TCP", 443)]


def test_the_outbox_is_a_stateful_set_that_its_own_commands_reach(tmp_path: Path) -> None:
    """As hardened as the Deployment."""
    manifests = {each["kind"]: each for each in documents(FOLDER / "outbox.yaml")}
    pod = manifests["StatefulSet"]["spec"]["template"]["spec"]
    (proxy,) = pod["containers"]
    text = manifests["ConfigMap"]["data"]["proxy.yaml"]
    configuration = loaded(with_files(text, tmp_path, pods.secret_mount(pod, proxy)), tmp_path)
    pods.check(pod, proxy, configuration, waits=5, local=True)
    pods.check_outbox(manifests["StatefulSet"])
    (route,) = configuration.routes
    assert route.outbox is not None
    (claim,) = manifests["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert parse_size(claim["spec"]["resources"]["requests"]["storage"] + "B") > route.outbox.max_bytes
    assert proxy["image"] == f"{IMAGE}:{__version__}"
    assert [each["containerPort"] for each in proxy["ports"]] == image_ports()[:1]
    for name in ("lifecycle", "resources", "securityContext", "args"):
        assert proxy[name] == PROXY[name]
    names = {each["metadata"]["name"] for each in manifests.values()}
    assert names == {manifests["StatefulSet"]["spec"]["serviceName"]} == {"cpi-oauth-proxy-outbox"}
    labels = manifests["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["StatefulSet"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    policy = manifests["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["ingress"] == MANIFESTS["NetworkPolicy"]["spec"]["ingress"][:1]
    assert policy["egress"] == MANIFESTS["NetworkPolicy"]["spec"]["egress"]


def test_the_sidecar_starts_before_its_sender_and_listens_for_it_alone(tmp_path: Path) -> None:
    """By variables."""
    (sidecar,) = documents(FOLDER / "sidecar.yaml")
    pod = sidecar["spec"]["template"]["spec"]
    (proxy,) = pod["initContainers"]
    mount = pods.secret_mount(pod, proxy)
    text = with_files(json.dumps(proxy["env"]), tmp_path, mount)
    configuration = from_variables({each["name"]: each["value"] for each in json.loads(text)})
    pods.check(pod, proxy, configuration, waits=0)
    assert proxy["restartPolicy"] == "Always"
    assert proxy["image"] == f"{IMAGE}:{__version__}"
    assert [str(each.address) for each in configuration.listen] == [f"127.0.0.1:{image_ports()[0]}"]
    assert configuration.oauth_clients["default"].client_secret is not None
    assert sidecar["spec"]["selector"]["matchLabels"] == sidecar["spec"]["template"]["metadata"]["labels"]
