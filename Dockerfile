# The proxy in a virtual environment on a bare base: docker build -t cpi-oauth-proxy .   (or podman build, or buildah bud)
# `make image` builds it with the package index that this machine is configured for, and then starts it.
#
# Any base will do that has Python 3.11 or newer with its venv module, and, to trust tenants, ca-certificates. A tag may name
# another image tomorrow. A release names its base by digest, and so can you:
#   docker buildx imagetools inspect python:3.13-slim --format '{{.Manifest.Digest}}'
#   docker build --build-arg BASE=python:3.13-slim@sha256:... -t cpi-oauth-proxy .
ARG BASE=python:3.13-slim

FROM ${BASE} AS builder
# `--build-arg EXTRAS=[otel]`: what the proxy can do beside its work, and the distributions that this takes.
ARG EXTRAS=
# `--build-arg CPI_OAUTH_PROXY_COMPILE=0`: not compiled, so built sooner (hatch_build.py).
ARG CPI_OAUTH_PROXY_COMPILE=auto
# Both secrets may be missing: a configuration of pip, and certificates of authorities that it names.
ENV PIP_CONFIG_FILE=/run/secrets/pip PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
# The data path is compiled where there is a C compiler, or apt to bring one; else it is interpreted, and slower. The compiler
# stays behind.
RUN test "$CPI_OAUTH_PROXY_COMPILE" = 0 || command -v cc >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev; } \
    || echo "There is no C compiler: the data path is not compiled." >&2
RUN test -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || ! command -v cc >/dev/null \
    || apt-get install --yes --no-install-recommends python3-dev || echo "Python has no headers: the data path is not compiled." >&2
COPY constraints.lock ./
# All files that pip downloads have a hash in constraints.lock, so does pip itself: older ones take no hashes from constraints.
RUN python3 -m venv /build && sed -n '/^pip==/,/[^\\]$/p' constraints.lock >/build/pip.lock
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /build/bin/python -m pip install --only-binary :all: --require-hashes --requirement /build/pip.lock
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /build/bin/python -m pip install --only-binary :all: --require-hashes --constraint constraints.lock cyclonedx-bom
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY docs/cpi-oauth-proxy.1 docs/
COPY proxy proxy
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /build/bin/python -m pip wheel --no-deps --build-constraint constraints.lock --wheel-dir /wheel .
# Made in the place where it will stand, without pip: nothing is installed into a running image. First the wheel, by its name
# from its folder only, so that it is known by name and version; then what it needs.
RUN python3 -m venv --without-pip /opt/cpi-oauth-proxy
RUN /build/bin/python -m pip --python /opt/cpi-oauth-proxy/bin/python install \
    --no-deps --no-index --find-links /wheel cpi-oauth-proxy
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /build/bin/python -m pip --python /opt/cpi-oauth-proxy/bin/python install \
    --only-binary :all: --require-hashes --constraint constraints.lock "cpi-oauth-proxy${EXTRAS}"
# What stands there now, in CycloneDX; the tool stays behind.
RUN /build/bin/cyclonedx-py environment --output-reproducible --spec-version 1.6 \
    --output-file /opt/cpi-oauth-proxy/sbom.cdx.json /opt/cpi-oauth-proxy
# The place of a volume for outboxes: what is mounted there gets this owner.
RUN mkdir /state

FROM ${BASE}
LABEL org.opencontainers.image.title="cpi-oauth-proxy" \
      org.opencontainers.image.description="Forwards plain HTTP to SAP Cloud Integration with an OAuth 2.0 access token" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /opt/cpi-oauth-proxy /opt/cpi-oauth-proxy
COPY --from=builder --chown=10001:10001 /state /var/lib/cpi-oauth-proxy
# Outboxes are in a folder of the volume: Kubernetes leaves the volume's own folder to root.
ENV PATH=/opt/cpi-oauth-proxy/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 \
    STATE_DIRECTORY=/var/lib/cpi-oauth-proxy/outbox
# A number, so that Kubernetes can see that it is not root. Without an outbox the proxy writes no file: run it with --read-only.
USER 10001:10001
# Of senders, and of operators. Both are on loopback until a configuration, or CPI_LISTEN and CPI_ADMIN, says otherwise.
EXPOSE 8080 9901
# Asks the admin address; set CPI_ADMIN where a configuration file names another than the default.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s \
    CMD ["python3", "-c", "import http.client, os, sys; asked = http.client.HTTPConnection(os.environ.get('CPI_ADMIN') or '127.0.0.1:9901', timeout=4); asked.request('GET', '/livez'); sys.exit(asked.getresponse().status != 200)"]
# SIGTERM drains for up to `drain_timeout` (30s): give `docker stop --time`, or terminationGracePeriodSeconds, more than that.
ENTRYPOINT ["cpi-oauth-proxy"]
CMD ["run"]
