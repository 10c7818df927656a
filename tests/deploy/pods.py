"""What each pod with the proxy in it has to be, whoever wrote its manifest."""

from collections.abc import Mapping
from typing import Any

from proxy.config.model import Configuration
from tests.deploy.product import IMAGE, image_command, image_user

Manifest = Mapping[str, Any]
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def check(pod: Manifest, container: Manifest, configuration: Configuration, *, waits: float) -> None:
    """The restricted profile of Kubernetes' Pod Security Standards, probes that are answered, time enough to drain.

    `waits` are the seconds before the proxy is told to stop.
    """
    is_restricted(pod, container)
    assert container["image"].partition(":")[0] == IMAGE
    assert container.get("command", image_command()) == image_command()
    assert container.get("args", ["run"]) in (["run"], ["run", "--watch"])
    assert pod["terminationGracePeriodSeconds"] > configuration.drain_timeout + waits
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert {each["name"] for each in container["volumeMounts"]} <= {each["name"] for each in pod["volumes"]}
    assert container["resources"]["limits"].keys() == {"memory"}
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports["admin"] == configuration.admin.address.port
    assert configuration.admin.address.host == "0.0.0.0"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if probe in container:
            assert container[probe]["httpGet"] == {"path": "/livez", "port": "admin"}
    assert {"startupProbe", "livenessProbe"} <= container.keys()


def is_restricted(pod: Manifest, container: Manifest) -> None:
    """As https://kubernetes.io/docs/concepts/security/pod-security-standards/ has it, and as the image's user."""
    shared, own = pod["securityContext"], container["securityContext"]
    assert shared["runAsNonRoot"] is True
    assert shared["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own.items() >= RESTRICTED.items()
    assert {**shared, **own}["runAsUser"] == {**shared, **own}["runAsGroup"] == shared["fsGroup"] == image_user()


def secret_mount(pod: Manifest, container: Manifest) -> str:
    """Where the secret's files are, which the image's group may read, and nobody else."""
    (volume,) = [each for each in pod["volumes"] if "secret" in each]
    assert volume["secret"]["defaultMode"] == 0o440
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == volume["name"]]
    assert mount["readOnly"] is True
    return str(mount["mountPath"])
