"""What each pod with the proxy has to be."""

from collections.abc import Mapping
from typing import Any

from proxy.config.model import Configuration
from tests.deploy.product import IMAGE, image_command, image_user, image_volume

Manifest = Mapping[str, Any]
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def check(
    pod: Manifest, container: Manifest, configuration: Configuration, *, waits: float, local: bool = False
) -> None:
    """The restricted profile of Kubernetes' Pod Security Standards, probes that are answered, time enough to drain.

    `waits` are the seconds before the proxy is told to stop. A `local` admin address is on loopback, for outboxes.
    """
    is_restricted(pod, container)
    assert container["image"].partition(":")[0] == IMAGE
    assert container.get("command", image_command()) == image_command()
    assert container.get("args", ["run"]) in (["run"], ["run", "--watch"])
    assert pod["terminationGracePeriodSeconds"] > configuration.drain_timeout + waits
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert container["resources"]["limits"].keys() == {"memory"}
    asks: Manifest = {"httpGet": {"path": "/livez", "port": "admin"}}
    if local:
        assert configuration.admin.address.loopback
        url = f"http://{configuration.admin.address}/livez"
        script = f"import urllib.request; urllib.request.urlopen('{url}', timeout=4)"
        asks = {"exec": {"command": ["python3", "-c", script]}, "timeoutSeconds": 5}
    else:
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        assert ports["admin"] == configuration.admin.address.port
        assert configuration.admin.address.host == "0.0.0.0"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if probe in container:
            assert container[probe].items() >= asks.items()
    assert {"startupProbe", "livenessProbe"} <= container.keys()


def is_restricted(pod: Manifest, container: Manifest) -> None:
    """See https://kubernetes.io/docs/concepts/security/pod-security-standards/."""
    shared, own = pod["securityContext"], container["securityContext"]
    assert shared["runAsNonRoot"] is True
    assert shared["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own.items() >= RESTRICTED.items()
    assert {**shared, **own}["runAsUser"] == {**shared, **own}["runAsGroup"] == shared["fsGroup"] == image_user()


def check_outbox(stateful_set: Manifest) -> None:
    """One kept volume for each replica."""
    spec = stateful_set["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert spec["replicas"] == 1
    assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    (container,) = spec["template"]["spec"]["containers"]
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert mounted[claim["metadata"]["name"]] == str(image_volume())
    assert mounted.keys() == {
        claim["metadata"]["name"],
        *(each["name"] for each in spec["template"]["spec"]["volumes"]),
    }


def secret_mount(pod: Manifest, container: Manifest) -> str:
    """For the image's group alone."""
    (volume,) = [each for each in pod["volumes"] if "secret" in each]
    assert volume["secret"]["defaultMode"] == 0o440
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == volume["name"]]
    assert mount["readOnly"] is True
    return str(mount["mountPath"])
