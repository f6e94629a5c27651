# The load generator of the sample jobs:
#   docker build -f deploy/images/load.Dockerfile -t daedalus-load .

FROM python:3.11-slim AS build
COPY deploy/images/build.lock deploy/images/load.lock /tmp/
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt,required=false \
    --mount=type=secret,id=pipconf,target=/etc/pip.conf,required=false \
    pip install --quiet --no-cache-dir --no-compile --root-user-action ignore --disable-pip-version-check \
        --require-hashes -r /tmp/build.lock
ARG SOURCE_DATE_EPOCH=0
ENV VIRTUAL_ENV=/opt/daedalus UV_LINK_MODE=copy UV_CACHE_DIR=/root/.cache/uv SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
COPY deploy/images/assemble /usr/local/bin/
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt,required=false \
    --mount=type=cache,target=/root/.cache/uv \
    assemble dependencies /tmp/load.lock
COPY deploy/local /src/deploy/local
RUN --mount=type=cache,target=/root/.cache/uv assemble service load


FROM python:3.11-slim
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/*
COPY --from=build /opt/daedalus /opt/daedalus
ENV PATH=/opt/daedalus/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python", "-m", "daedalus_local.load"]
