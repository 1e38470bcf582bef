"""Numbers in pasted text, one record per line (rule T10), and digits to search by."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from callcab.lib.phone.numbering import Phone, PhoneError
from callcab.lib.phone.reading import EXTENSION_HERE, SCIENTIFIC, TEXT_FORMULA, clean, looks_like_formula, parse

MAX_SHOWN = 120
_MIN_DIGITS = 5

_LINE_END = re.compile(r"\r\n|\n|\r")
_LIST_MARK = re.compile(r"\s*(?:\d{1,4}[.)]|[*•·])\s+(?=\S)", re.ASCII)
_NUMBER_AHEAD = r"\s*\+?[78]?[\s(-]*[3489]\d\d[\s)-]*\d{3}[\s-]*\d\d[\s-]*\d\d(?!\d)"
_SEPARATORS = re.compile(rf"[;\t|]|/(?={_NUMBER_AHEAD})|,(?!\d+\s*[EeЕе][+-]?\d)|(?<!\d),", re.ASCII)
_TOKEN = re.compile(r"[^\s;,|]+")
_LINK = re.compile(r"://|@|www\.|[^\W\d_]\.[^\W\d_]{2,20}/", re.IGNORECASE)
_SCIENTIFIC_HERE = re.compile(rf"(?<![\w.,+]){SCIENTIFIC.pattern}(?!\w)", re.ASCII)
_RUN = re.compile(r"\+?\(?\+?\d(?:[\d\s().-]*\d)?\)?", re.ASCII)
_GROUP = re.compile(r"\+?\d+", re.ASCII)
_DECIMAL_ZERO = re.compile(r"(?<=\d{10})\.0+(?!\d)", re.ASCII)
_DIGIT = re.compile(r"\d", re.ASCII)
_NOT_DIGIT = re.compile(r"\D+", re.ASCII)
# Stands where something was taken out, so that the digits on both sides never meet.
_GAP = " \u00a6 "
_GLUE = frozenset("_/@#&=%+*\\")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line, or a piece of a line, that gave no number: 1-based physical line, shortened text, reason (T11)."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a pasted text holds: different phones in their order, what was refused, and how many were repeats."""

    phones: tuple[Phone, ...]
    rejected: tuple[Rejected, ...]
    duplicates: int


def extract(text: str) -> Extraction:
    """Find the numbers of a pasted text. Never raises; names and words around a number are no errors."""
    phones: dict[str, Phone] = {}
    rejected: list[Rejected] = []
    duplicates = 0
    for number, line in enumerate(_LINE_END.split(text.removeprefix("\ufeff")), start=1):
        if not line or line.isspace():
            continue
        found, refused = _read_line(line)
        for phone in found:
            if phone.e164 in phones:
                duplicates += 1
            else:
                phones[phone.e164] = phone
        rejected += [Rejected(number, piece[:MAX_SHOWN], reason) for piece, reason in refused]
    return Extraction(tuple(phones.values()), tuple(rejected), duplicates)


def _read_line(line: str) -> tuple[list[Phone], list[tuple[str, str]]]:
    try:
        return [parse(line)], []
    except PhoneError as error:
        whole = error.reason
    if whole == "empty":
        return [], [] if not clean(line).strip() else [(line.strip(), whole)]
    text = TEXT_FORMULA.sub(r"\1", clean(line)).strip()
    if looks_like_formula(text):
        return [], [(line.strip(), "formula")]
    text = _without_list_mark(text)
    found: list[Phone] = []
    refused: list[tuple[str, str]] = []
    text = _without_links(text, refused)
    for piece in _SEPARATORS.split(text):
        _read_piece(piece.strip(), found, refused)
    if not found:
        return [], [(line.strip(), _best_reason(whole, refused))]
    return found, refused


def _without_list_mark(text: str) -> str:
    """Drop the «1. » or «• » of a list, unless the digits belong to the number itself."""
    match = _LIST_MARK.match(text)
    return text[match.end() :] if match else text


def _best_reason(whole: str, refused: list[tuple[str, str]]) -> str:
    """Prefer what is wrong with the most number-like piece to «there are letters in the line»."""
    if whole not in ("letters", "bad_chars", "multiple", "too_long") or not refused:
        return whole
    piece, reason = max(refused, key=lambda item: len(_DIGIT.findall(item[0])))
    return reason


def _read_piece(piece: str, found: list[Phone], refused: list[tuple[str, str]]) -> None:
    digits = len(_DIGIT.findall(piece))
    if digits < _MIN_DIGITS:
        return
    try:
        found.append(parse(piece))
        return
    except PhoneError as error:
        reason = error.reason
    if reason == "formula":
        refused.append((piece, reason))
        return
    phones, leftovers = _search(piece)
    found += phones
    if phones:
        refused += leftovers
    else:
        most = max(leftovers, key=lambda item: len(item[0]), default=(piece, reason))
        refused.append((piece, most[1] if reason in ("letters", "bad_chars", "too_long") else reason))


def _search(piece: str) -> tuple[list[Phone], list[tuple[str, str]]]:
    """Look for numbers among words. Leftovers are runs of five or more digits that are no number."""
    phones: list[Phone] = []
    leftovers: list[tuple[str, str]] = []
    piece = _take_out(_SCIENTIFIC_HERE, piece, lambda text: _read_scientific(text, phones, leftovers))
    piece = _DECIMAL_ZERO.sub("", piece)
    for run in _RUN.finditer(piece):
        before, after = piece[run.start() - 1 : run.start()], piece[run.end() : run.end() + 1]
        extension = EXTENSION_HERE.match(piece, run.end())
        glued_left = bool(before) and (before.isalnum() or before in _GLUE)
        glued_right = bool(after) and extension is None and (after.isalnum() or after in _GLUE)
        notices = ("extension",) if extension else ()
        for outcome in _read_run(run.group(), glued_left, glued_right):
            if isinstance(outcome, Phone):
                phones.append(Phone(outcome.e164, outcome.national, outcome.kind, notices) if notices else outcome)
            else:
                leftovers.append(outcome)
    return phones, [item for item in leftovers if len(_DIGIT.findall(item[0])) >= _MIN_DIGITS]


def _without_links(text: str, refused: list[tuple[str, str]]) -> str:
    """Take addresses of pages and mailboxes out; no number is mined from them (rule T6)."""

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        if _LINK.search(token) is None:
            return token
        if len(_DIGIT.findall(token)) >= _MIN_DIGITS:
            refused.append((token, "letters"))
        return _GAP

    # Token by token: one pattern with free ends on both sides takes quadratic time on a long line.
    return _TOKEN.sub(replace, text)


def _take_out(pattern: re.Pattern[str], text: str, use: Callable[[str], None]) -> str:
    def replace(match: re.Match[str]) -> str:
        use(match.group())
        return _GAP

    return pattern.sub(replace, text)


def _read_scientific(text: str, phones: list[Phone], leftovers: list[tuple[str, str]]) -> None:
    try:
        phones.append(parse(text))
    except PhoneError as error:
        leftovers.append((text, error.reason))


def _read_run(run: str, glued_left: bool, glued_right: bool) -> Iterator[Phone | tuple[str, str]]:
    """Cut a run of digits, spaces, dashes and brackets into numbers, from left to right, the longest first.

    Yields phones and leftovers (text, reason). A group that touches a letter or other digits is never taken.
    """
    groups = list(_GROUP.finditer(run))
    index, left_over_from = 0, 0
    while index < len(groups):
        end, phone = _longest_at(run, groups, index, glued_left, glued_right)
        if phone is None:
            index += 1
            continue
        if left_over_from < index:
            yield _leftover(run[groups[left_over_from].start() : groups[index - 1].end()], glued_left)
        yield phone
        index = left_over_from = end
    if left_over_from < len(groups):
        yield _leftover(run[groups[left_over_from].start() : groups[-1].end()], glued_left or glued_right)


def _longest_at(
    run: str, groups: list[re.Match[str]], start: int, glued_left: bool, glued_right: bool
) -> tuple[int, Phone | None]:
    if (start == 0 and glued_left) or (start > 0 and not _loose(run, groups, start)):
        return start, None
    for end in range(min(len(groups), start + 12), start, -1):
        last = end == len(groups)
        if (last and glued_right) or (not last and not _loose(run, groups, end)):
            continue
        text = run[groups[start].start() : groups[end - 1].end()]
        size = len(_DIGIT.findall(text))
        if not 10 <= size <= 14:
            continue
        # Ten digits in several groups next to other digits may be any part of a longer, foreign number.
        if size == 10 and end - start > 1 and not (start == 0 and last):
            continue
        try:
            return end, parse(text)
        except PhoneError:
            continue
    return start, None


def _loose(run: str, groups: list[re.Match[str]], index: int) -> bool:
    """Tell whether group `index` is divided from the one before by white space, not glued by a dash or a dot."""
    gap = run[groups[index - 1].end() : groups[index].start()]
    return any(char.isspace() for char in gap)


def _leftover(text: str, glued: bool) -> tuple[str, str]:
    if glued:
        return text, "letters"
    try:
        parse(text)
    except PhoneError as error:
        return text, error.reason
    return text, "ambiguous"


# In front of digits that a number ends with.
_LAST = ("*", "\u2026", "...")


def last_digits(text: str) -> str:
    """The digits that a number shall end with, from `*4577`, `…45-77` or `...4577`; "" for any other text."""
    text = clean(text).strip()
    return _NOT_DIGIT.sub("", text) if text.startswith(_LAST) else ""


def search_digits(text: str) -> str:
    """Return the digits to look for inside the stored eleven (7XXXXXXXXXX); "" when there are none.

    A whole number gives all eleven. A part loses a leading 8 that may be the trunk prefix, so that the search finds
    a superset, never less. The result holds ASCII digits only: `%` and `_` can't get through (rule B7).
    """
    try:
        return parse(text).e164[1:]
    except PhoneError:
        pass
    text = clean(text).strip()
    digits = _NOT_DIGIT.sub("", text)
    if len(digits) == 11 and digits[0] == "8":
        return "7" + digits[1:]
    if digits[:1] != "8":
        return digits
    plain_start = text.lstrip("+( ")[:2]
    divided = len(plain_start) == 2 and not plain_start[1].isdigit()
    trunk_likely = len(digits) >= 4 and digits[1] in "3489"
    return digits[1:] if len(digits) > 1 and (divided or trunk_likely) else digits
