"""Headers of every answer, the request id, and the limits of a request."""

import uuid

from flask import Flask, Response, g, request

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)

ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def init_app(app: Flask) -> None:
    app.before_request(_name_request)
    app.after_request(_add_headers)


def _name_request() -> None:
    g.request_id = str(uuid.uuid4())


def _add_headers(response: Response) -> Response:
    wanted = {**ALWAYS, "X-Request-ID": g.get("request_id", "")}
    if request.is_secure:
        wanted["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == "static":
        # Whole, since streams travel unpacked; none is large.
        response.direct_passthrough = False
        response.make_sequence()
    else:
        # Private pages must not lie in caches or come back by the browser's history (AC-46).
        wanted["Cache-Control"] = "no-store"
    # ``setdefault`` costs werkzeug an exception for each name that is not there.
    there = {name.lower() for name, _value in response.headers}
    for name, value in wanted.items():
        if name.lower() not in there:
            response.headers.add(name, value)
    return response
