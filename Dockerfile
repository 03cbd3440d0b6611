# The image of every Surehand process; the command decides which one: worker, serve, setup, doctor.
FROM python:3.12.13-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

# First what changes rarely, by hash; `pip check` at the end proves that nothing is missing.
COPY compose/requirements.lock compose/build-requirements.lock ./
RUN python -m venv /opt/surehand \
 && /opt/surehand/bin/pip install --require-hashes --no-deps --requirement requirements.lock \
 && pip install --require-hashes --no-deps --requirement build-requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY domain/ domain/
COPY runtime/ runtime/
COPY integrations/ integrations/
COPY activities/ activities/
COPY workflows/ workflows/
COPY workers/ workers/
COPY starters/ starters/
COPY sandbox/ sandbox/
COPY config/ config/
COPY playbooks/ playbooks/
COPY templates/ templates/

RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/surehand/bin/pip install --no-deps /wheels/*.whl \
 && /opt/surehand/bin/pip check \
 && /opt/surehand/bin/pip uninstall --yes pip

FROM python:3.12.13-slim-bookworm

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin surehand \
 && install --directory --owner=10001 --mode=0700 /var/lib/surehand
COPY --from=build /opt/surehand /opt/surehand
ENV PATH=/opt/surehand/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /tmp
ENTRYPOINT ["surehand"]
CMD ["worker"]
