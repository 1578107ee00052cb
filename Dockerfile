# syntax=docker/dockerfile:1
# One image for all of afterturn's processes; docker-compose.yml gives each its command.

FROM python:3.12-slim AS build
RUN python -m venv /opt/afterturn
ENV PATH=/opt/afterturn/bin:$PATH
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip pip install --constraint constraints.txt '.[http,worker]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin afterturn
COPY --from=build /opt/afterturn /opt/afterturn
ENV PATH=/opt/afterturn/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    # SIGTERM begins a worker's soft shutdown: finish what runs within its time, hand the rest back.
    REMAP_SIGTERM=SIGQUIT
WORKDIR /srv/afterturn
USER afterturn
CMD ["afterturn", "--help"]
