# One image for web, worker, beat, migrate and the sandbox bank; the command tells which.
FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: --no-deps -r /tmp/requirements.txt

FROM python:3.13-slim-trixie
# LightGBM's wheel does not bring libgomp
RUN apt-get update \
 && apt-get install --no-install-recommends --yes libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /srv/lendportal --shell /usr/sbin/nologin lendportal \
 && install --directory --owner lendportal --group lendportal /srv/lendportal/var
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/lendportal
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=lendportal.settings \
    PORTAL_HOME=/srv/lendportal/var \
    OMP_NUM_THREADS=1
RUN SECRET_KEY=build PORTAL_HOME=/tmp/build python manage.py messages --compile \
 && python -m compileall -q accounts credit ledger lendportal loans regimes risk \
 && rm -rf /tmp/build
USER lendportal
EXPOSE 8000
CMD ["gunicorn", "lendportal.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--preload", "--no-control-socket"]
