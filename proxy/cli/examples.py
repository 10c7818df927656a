"""Three examples for each command, at the end of its `--help`."""

EXAMPLES = {
    "run": (
        "cpi-oauth-proxy run",
        "cpi-oauth-proxy run -c proxy.yaml --watch",
        "kill -HUP PID  # reloads the configuration",
    ),
    "init": (
        "cpi-oauth-proxy init",
        "cpi-oauth-proxy init --key service-key.json --flow /http/orders",
        "cpi-oauth-proxy init --directory /etc/cpi-oauth-proxy --allow 10.1.0.0/16",
    ),
    "check": (
        "cpi-oauth-proxy check",
        "cpi-oauth-proxy check -c proxy.yaml",
        "cpi-oauth-proxy check -c proxy.yaml && systemctl reload cpi-oauth-proxy",
    ),
    "token": (
        "cpi-oauth-proxy token",
        "cpi-oauth-proxy token orders",
        'curl -H "Authorization: Bearer $(cpi-oauth-proxy token orders --raw)" URL',
    ),
    "send": (
        "cpi-oauth-proxy send orders -d '<order/>'",
        "cpi-oauth-proxy send /orders/2026 -d @order.xml -i -H 'SOAPAction: create'",
        "cpi-oauth-proxy send --collection orders.json 'Create order' --var id=7",
    ),
    "doctor": (
        "cpi-oauth-proxy doctor",
        "cpi-oauth-proxy doctor orders --json",
        "cpi-oauth-proxy doctor orders --send --data '<order/>'",
    ),
    "import-key": (
        "cpi-oauth-proxy import-key service-key.json > proxy.yaml",
        "cpi-oauth-proxy import-key service-key.json --name acme",
        "cf service-key INSTANCE KEY | cpi-oauth-proxy import-key - --name acme",
    ),
    "sandbox": (
        "cpi-oauth-proxy sandbox",
        "cpi-oauth-proxy sandbox --proxy config/sandbox.yaml",
        "cpi-oauth-proxy sandbox --port-base 0 --directory /tmp/tenant",
    ),
    "outbox": (
        "cpi-oauth-proxy outbox",
        "cpi-oauth-proxy outbox show ID",
        "cpi-oauth-proxy outbox retry --route orders --state dead",
    ),
    "outbox list": (
        "cpi-oauth-proxy outbox list",
        "cpi-oauth-proxy outbox list --route orders --state dead --limit 500",
        "cpi-oauth-proxy outbox list --json | jq '.routes[].dead'",
    ),
    "outbox show": (
        "cpi-oauth-proxy outbox show ID",
        "cpi-oauth-proxy outbox show ID --json",
        "cpi-oauth-proxy outbox show ID -c proxy.yaml",
    ),
    "outbox export": (
        "cpi-oauth-proxy outbox export ID",
        "cpi-oauth-proxy outbox export ID -o order.xml",
        "cpi-oauth-proxy outbox export ID --json > message.json",
    ),
    "outbox retry": (
        "cpi-oauth-proxy outbox retry ID",
        "cpi-oauth-proxy outbox retry ID ID ID",
        "cpi-oauth-proxy outbox retry --route orders --state dead --yes",
    ),
    "outbox discard": (
        "cpi-oauth-proxy outbox discard ID",
        "cpi-oauth-proxy outbox discard ID ID --json",
        "cpi-oauth-proxy outbox discard --route orders --state dead",
    ),
    "outbox hold": (
        "cpi-oauth-proxy outbox hold orders",
        "cpi-oauth-proxy outbox hold orders --json",
        "cpi-oauth-proxy outbox hold orders -c proxy.yaml",
    ),
    "outbox resume": (
        "cpi-oauth-proxy outbox resume orders",
        "cpi-oauth-proxy outbox resume orders --json",
        "cpi-oauth-proxy outbox resume orders && cpi-oauth-proxy outbox",
    ),
    "console": (
        "cpi-oauth-proxy console",
        "cpi-oauth-proxy console --open",
        "sudo -u proxy cpi-oauth-proxy console  # as the user of the proxy",
    ),
    "schema": (
        "cpi-oauth-proxy schema",
        "cpi-oauth-proxy schema > schema.json",
        "# yaml-language-server: $schema=schema.json  (first line of proxy.yaml)",
    ),
    "version": (
        "cpi-oauth-proxy version",
        "cpi-oauth-proxy --version",
        "docker run --rm cpi-oauth-proxy version",
    ),
}


def epilog(name: str) -> str:
    """Returns the examples of a command as click shows them: lines that are not joined."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in EXAMPLES[name])])
