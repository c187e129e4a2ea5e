# Two stages: the first installs what requirements.lock names, by hash, and takes out what only developers need.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/ninethirty
ENV PATH=/opt/ninethirty/bin:$PATH
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY alerts alerts
COPY monitor monitor
COPY schedules schedules
COPY deploy/unneeded.py ./
RUN pip install --no-deps --no-build-isolation . \
 && python unneeded.py ninethirty postgres > unneeded.txt \
 && pip uninstall --quiet --yes -r unneeded.txt \
 && pip uninstall --quiet --yes pip setuptools \
 && ninethirty --version
# In a container the pages must be reachable from outside of it; who may reach them is the business of its network.
COPY config.toml ./
RUN sed -i 's/^listen = "127\.0\.0\.1:9030"/listen = "0.0.0.0:9030"/' config.toml && grep -q '^listen = "0\.0\.0\.0:9030"' config.toml

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="ninethirty" \
      org.opencontainers.image.description="Watches promised statistics and proves when each one appeared" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 ninethirty \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/ninethirty --shell /usr/sbin/nologin ninethirty \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/ninethirty
COPY --from=build /opt/ninethirty /opt/ninethirty
COPY --from=build /build/config.toml /etc/ninethirty/config.toml
ENV PATH=/opt/ninethirty/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NINETYTHIRTY_CONFIG=/etc/ninethirty/config.toml
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
