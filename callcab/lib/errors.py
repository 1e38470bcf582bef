"""The families of errors a rule can raise.

Each carries a stable code and the data of the case; the words live at the edge (``callcab.web.errors``): the same
refusal is a flash message on a page, a problem document in the API, an exit code in a command and a state of a job.
"""

from typing import Any


class DomainError(Exception):
    """A refusal that a person can do something about.

    code    stable, dotted, lower case: ``promo.expired``
    params  values for the sentence; JSON types, ``Decimal`` and aware ``datetime`` only
    field   name of the form field at fault, if there is one
    """

    status = 400

    def __init__(self, code: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.params = params


class Invalid(DomainError):
    """The input itself is wrong; nothing was stored."""

    status = 422


class NotFound(DomainError):
    """It does not exist, or it is not yours: the two are never told apart."""

    status = 404


class Forbidden(DomainError):
    """You may see it but not do this."""

    status = 403


class Conflict(DomainError):
    """Somebody or something was faster: taken, used, changed since."""

    status = 409


class LimitReached(DomainError):
    """A quota or a rate is used up; ``retry_at`` in params says when to try again, when known."""

    status = 429


class Unavailable(DomainError):
    """Something we depend on is away; the same request may succeed later."""

    status = 503
