"""How large the built-in database makes its own cache."""

from pathlib import Path

import pytest

from callcab.embedded.memory import memory, shared_buffers

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("total", "cache"),
    [(GIGABYTE // 2, "128MB"), (2 * GIGABYTE, "256MB"), (4 * GIGABYTE, "512MB"), (64 * GIGABYTE, "1024MB")],
)
def test_the_cache_is_an_eighth_of_the_memory_within_limits(total: int, cache: str) -> None:
    assert shared_buffers(total) == cache


def test_a_container_has_what_it_may_use(tmp_path: Path) -> None:
    small, boundless, large = tmp_path / "small", tmp_path / "boundless", tmp_path / "large"
    small.write_text("1048576\n")
    boundless.write_text("max\n")
    large.write_text(f"{1 << 62}\n")
    assert memory([tmp_path / "none", boundless, small]) == 1 << 20
    assert memory([large, boundless]) == memory([]) > 1 << 20
