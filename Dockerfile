# Two stages: the first installs what requirements.lock names, by hash, and takes out what built it.
# An organisation with a base image of its own (Python 3.11 or later, with venv) names it: --build-arg BASE=…
ARG BASE=python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/ninethirty
ENV PATH=/opt/ninethirty/bin:$PATH
# Without isolation nothing is fetched that is not in one of the locks, not even to build with.
COPY build.lock requirements.lock ./
RUN pip install --require-hashes -r build.lock \
 && pip install --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY alerts alerts
COPY monitor monitor
COPY deploy/alertmanager.yml deploy/ninethirty.service deploy/
COPY deploy/grafana deploy/grafana
COPY deploy/kubernetes deploy/kubernetes
COPY deploy/prometheus deploy/prometheus
COPY docs/alerts.md docs/alerts.md
COPY docs/how-to/on-call.md docs/how-to/on-call.md
COPY examples examples
COPY rehearsals rehearsals
COPY schedules schedules
# Copies of files may be younger than what was compiled of them, and where nothing can be written they would be
# compiled anew at each start: so nobody is to compare.
RUN pip install --no-deps --no-build-isolation . \
 && pip uninstall --quiet --yes -r build.lock \
 && pip uninstall --quiet --yes pip \
 && python -m compileall -q -f --invalidation-mode unchecked-hash /opt/ninethirty/lib \
 && ninethirty --version
# Its pages are for the container alone until a configuration says who may sign in.
COPY config.toml ./

FROM ${BASE}
# What installs packages is of no use to the daemon, and is what scanners of images find fault with.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
 && groupadd --gid 10001 ninethirty \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/ninethirty --shell /usr/sbin/nologin ninethirty \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/ninethirty \
 && install --directory --owner=10001 --group=10001 --mode=0750 /run/ninethirty
COPY --from=build /opt/ninethirty /opt/ninethirty
COPY --from=build /build/config.toml /etc/ninethirty/config.toml
ENV PATH=/opt/ninethirty/bin:$PATH LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NINETHIRTY_CONFIG=/etc/ninethirty/config.toml RUNTIME_DIRECTORY=/run/ninethirty
# Relative paths of the configuration start here: var/ninethirty.db, var/evidence, var/outbox.
WORKDIR /var/lib/ninethirty
VOLUME /var/lib/ninethirty
EXPOSE 9030
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9030/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ninethirty"]
CMD ["run"]
ARG VERSION=unknown
LABEL org.opencontainers.image.title="ninethirty" \
      org.opencontainers.image.description="Watches promised statistics and proves when each one appeared" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
