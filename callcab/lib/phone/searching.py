"""Where a number may lie, in the order of numbers or of reversed numbers, when some digits in a row are known of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

WHOLE = 11
# What a national number begins with (rule T5).
NATIONAL_FIRST = "3489"
Span = tuple[int, int]
# Of so many digits are the beginnings of a number that a list may have none of: HEADS are all that there are.
HEAD = 3
# As many numbers begin with each of them.
BEHIND_HEAD = int(10 ** (WHOLE - HEAD))


@dataclass(frozen=True)
class Spans:
    """Ranges, both ends included: of ``numbers`` (79253944577), of what is ``behind`` each of HEADS (53944577), and of
    ``reversed`` numbers (77544935297).

    A number that holds the digits lies in one of them at least, and each number in one of them holds the digits, as far
    as it is a Russian one. No two ranges of one kind overlap; a number that holds the digits twice may be in two kinds.
    ``places`` are those that the first two stand for, how many digits are before the known ones: from HEAD on it is
    ``behind`` if there are such ranges.
    """

    numbers: tuple[Span, ...]
    reversed: tuple[Span, ...]
    places: tuple[int, ...]
    behind: tuple[Span, ...] = ()


@lru_cache(64)
def spans(digits: str) -> Spans:
    """Ranges of the numbers that hold these digits, 1 to 11, anywhere.

    What stands before the digits, or what stands behind them, is tried out, whichever is less: 4 digits make 557
    ranges, 5 make 157, 6 make 57, 7 make 17.
    """
    if not (digits.isascii() and digits.isdigit() and len(digits) <= WHOLE):
        raise ValueError("digits of a number")
    backwards: list[Span] = []
    places: list[int] = []
    for place in range(WHOLE - len(digits) + 1):
        if not _may_stand(digits, place):
            continue
        behind = WHOLE - len(digits) - place
        if _heads(place) <= 10**behind:
            places.append(place)
        else:
            turned = digits[::-1]
            backwards += (_span(tail + turned, place) for tail in _counting(behind))
    # Which beginnings a list has takes a question for each of them, so it has to spare more than that.
    by_heads = [place for place in places if place >= HEAD] if max(places, default=0) > HEAD else []
    return Spans(
        numbers=_placed(digits, (place for place in places if place not in by_heads), _beginnings),
        reversed=_joined(backwards),
        places=tuple(places),
        behind=_placed(digits, by_heads, lambda place: _counting(place - HEAD)),
    )


def _placed(digits: str, places: Iterable[int], before: Callable[[int], Iterator[str]]) -> tuple[Span, ...]:
    """The digits at these places, behind each of what may stand ``before`` them."""
    behind = WHOLE - len(digits)
    return _joined(_span(tried + digits, behind - place) for place in places for tried in before(place))


@lru_cache(64)
def last_span(digits: str) -> Spans:
    """The one range of the numbers that end with these digits, 1 to 10."""
    if not (digits.isascii() and digits.isdigit() and len(digits) < WHOLE):
        raise ValueError("last digits of a number")
    return Spans((), (_span(digits[::-1], WHOLE - len(digits)),), ())


def _may_stand(digits: str, place: int) -> bool:
    if place == 0:
        return digits[0] == "7" and (len(digits) == 1 or digits[1] in NATIONAL_FIRST)
    return place > 1 or digits[0] in NATIONAL_FIRST


def _heads(place: int) -> int:
    return 1 if place < 2 else len(NATIONAL_FIRST) * int(10 ** (place - 2))


def _beginnings(place: int) -> Iterator[str]:
    if place < 2:
        return iter(("7",) if place else ("",))
    return chain.from_iterable((f"7{first}{rest}" for rest in _counting(place - 2)) for first in NATIONAL_FIRST)


def head_span(beginning: Any) -> tuple[Any, Any]:
    """The ends of the range of numbers that begin so; of a column as of an int."""
    low = beginning * BEHIND_HEAD
    return low, low + (BEHIND_HEAD - 1)


def _counting(width: int) -> Iterator[str]:
    return (f"{number:0{width}}" for number in range(10**width)) if width else iter(("",))


def _span(known: str, unknown: int) -> Span:
    return int(known + "0" * unknown), int(known + "9" * unknown)


def _joined(found: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for low, high in sorted(found):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        else:
            joined.append((low, high))
    return tuple(joined)


HEADS = tuple(map(int, _beginnings(HEAD)))
