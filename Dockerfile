# The application alone; PostgreSQL and Valkey are services beside it (compose.yaml).
FROM python:3.13-slim AS build
COPY requirements.lock /tmp/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /srv/callcab callcab \
    && install -d -o callcab -g callcab /srv/callcab /var/lib/callcab
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/callcab
COPY . .
# Nothing is written at run time, so each process would compile every module anew and keep what that takes in memory.
RUN python -m compileall -q callcab
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CALLCAB_DATA_DIR=/var/lib/callcab
USER callcab
VOLUME /var/lib/callcab
EXPOSE 8000
ENTRYPOINT ["python", "-m", "callcab"]
CMD ["web", "--host", "0.0.0.0", "--port", "8000"]
