"""Fixtures of the operation tests."""

from tests.services.operation.stage import owner, registered, sent

__all__ = ["owner", "registered", "sent"]
