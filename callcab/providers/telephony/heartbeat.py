"""The one place of the process that listens: taken for ten seconds at a time in Valkey, seen by everybody."""

import uuid
from typing import Any

KEY = "callcab:dialer:heartbeat"
SECONDS = 10
# Keeps or takes the place, unless another one has it.
TAKE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


class Place:
    """One process's claim. All methods raise redis.RedisError."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._take = store.register_script(TAKE)
        self._owner = uuid.uuid4().hex

    def take(self) -> bool:
        """Keep the place, or take it when it is free; call it every few seconds."""
        return bool(self._take(keys=[KEY], args=[self._owner, SECONDS]))

    def leave(self) -> None:
        """Make room for the next one at once."""
        if self._store.get(KEY) == self._owner:
            self._store.delete(KEY)

    def taken(self) -> bool:
        """Whether anybody has it."""
        return bool(self._store.exists(KEY))
