"""PostgreSQL and Valkey as supervised children, and the supervisor of `callcab up`.

Nothing here knows Flask, the models or the services: a child is a command, a readiness check and a restart policy.
"""

from callcab.embedded.errors import EmbeddedError

__all__ = ["EmbeddedError"]
