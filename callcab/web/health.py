"""For the operator's monitoring: /healthz, /readyz, /version, /metrics."""

import hmac

import redis
import sqlalchemy as sa
from flask import Blueprint, Response, abort, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from callcab import __version__
from callcab.db import unit_of_work
from callcab.models import Call, MailMessage, MailState, Operation, OperationState, Verification
from callcab.scope import Scope

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers; nothing else is looked at."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """PostgreSQL and Valkey answer; 503 without PostgreSQL. Without Valkey pages work, so that is only said."""
    state = {"database": _database_answers(), "queue": _queue_answers()}
    return jsonify(state), 200 if state["database"] else 503


@blueprint.get("/version")
def version() -> Response:
    return jsonify({"version": __version__})


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text, only with the key of CALLCAB_METRICS_KEY as a bearer token; 404 when none is set."""
    key = current_app.config["SETTINGS"].metrics_key
    if not key:
        abort(404)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), key.encode()):
        abort(401)
    return Response(generate_latest(_collect()), mimetype=CONTENT_TYPE_LATEST)


def _collect() -> CollectorRegistry:
    registry = CollectorRegistry()
    counts = {
        "callcab_operations_open": sa.select(sa.func.count())
        .select_from(Operation)
        .where(Operation.state.in_((OperationState.QUEUED, OperationState.RUNNING))),
        "callcab_mails_waiting": sa.select(sa.func.count())
        .select_from(MailMessage)
        .where(MailMessage.state == MailState.QUEUED),
        "callcab_calls_open": sa.select(sa.func.count()).select_from(Call).where(Call.ended_at.is_(None)),
        "callcab_verifications_open": sa.select(sa.func.count())
        .select_from(Verification)
        .where(Verification.finished_at.is_(None)),
    }
    with unit_of_work(Scope.system("metrics")) as session:
        for name, statement in counts.items():
            Gauge(name, name.replace("_", " "), registry=registry).set(session.scalar(statement) or 0)
    return registry


def _database_answers() -> bool:
    try:
        with unit_of_work(Scope.system("health")) as session:
            session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True


def _queue_answers() -> bool:
    client = redis.Redis.from_url(current_app.config["SETTINGS"].redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
