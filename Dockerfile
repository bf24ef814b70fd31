FROM python:3.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/run.txt requirements/build.txt requirements/
RUN python -m venv /opt/understory \
    && /opt/understory/bin/python -m pip install --require-hashes -r requirements/run.txt
RUN python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY handlers handlers
COPY migrations migrations
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheel . \
    && /opt/understory/bin/python -m pip install --no-deps /opt/wheel/*.whl

FROM python:3.13-slim-trixie
RUN groupadd --gid 10001 understory \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin understory \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/understory /opt/understory
ENV PATH=/opt/understory/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/understory.db \
    BACKUP_DIR=/data/backups \
    LISTEN=0.0.0.0:8080 \
    METRICS_LISTEN=127.0.0.1:9090
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["understory", "doctor", "--quick"]
ENTRYPOINT ["understory"]
CMD ["run"]
