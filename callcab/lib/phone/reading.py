"""One text that should be one number -> Phone, or the reason why not (rules T2-T8)."""

import re
import unicodedata
from collections.abc import Iterable

from callcab.lib.phone.numbering import Phone, PhoneError, international_phone, national_phone, to_int

MAX_LENGTH = 256

_PLAIN_FORM = r"(?:\+7|[78])?[ -]?\(?({}\d)\)?[ -]?(\d{{3}})[ -]?(\d\d)[ -]?(\d\d)"
_PLAIN = re.compile(_PLAIN_FORM.format(r"[3489]\d"), re.ASCII)
# Of these the numbering plan need not be asked.
_PLAIN_MOBILE = re.compile(_PLAIN_FORM.format("9[0-24-9]"), re.ASCII)

_LABEL = (
    r"(?:контактный|номер|телефон[ыа]?|тел|мобильный|мобил|моб|сотовый|сот|рабочий|раб|домашний|дом|факс|т|ф"
    r"|telephone|phone|tel|mobile|mob|cell|ph|fax|no|№)"
)
_LEADING_LABELS = re.compile(rf"(?:{_LABEL}(?![^\W_])[\s.:/=]*)+", re.IGNORECASE)
_TRAILING_LABELS = re.compile(rf"(?<=[\d)\s])[\s(]*(?:(?<![^\W_]){_LABEL}(?![^\W_])[\s.)]*)+$", re.IGNORECASE)
_EXTENSION = (
    r"[\s,;(]*(?:доб(?:авочный|ав)?|внутр(?:енний)?|внут|вн|;?\s*ext(?:ension)?|x|х|#)"
    r"[\s.:№#=]*[0-9]{1,8}(?![0-9])[\s)]*"
)
EXTENSION_HERE = re.compile(_EXTENSION, re.IGNORECASE)
_EXTENSION_AT_END = re.compile(rf"(?<=[\d)\s,;(]){_EXTENSION}$", re.IGNORECASE)

TEXT_FORMULA = re.compile(r'="([+\d\s()-]*)"', re.ASCII)
_FUNCTION = re.compile(
    r"[+-][\d+-]*[^\W\d_][\w.]*[(|]"  # +SUM(, -2+3+cmd|
    r"|(?:[A-Z]{2,}|[a-z]{2,}|[А-ЯЁ][А-ЯЁ.]+)\d*\("  # HYPERLINK(, but not the name in «Ivan(925)...»
)
SCIENTIFIC = re.compile(r"\+?(\d+)(?:[.,](\d+))?\s*[EeЕе]([+-]?)(\d{1,2})", re.ASCII)
_DECIMAL_TAIL = re.compile(r"(\+?\d{10,11})[.,]0+", re.ASCII)
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_SLASH_TAIL = re.compile(r"[\d)\s-]/\s*\d{1,4}(?!\d)", re.ASCII)
_TWO_NUMBERS = re.compile(
    r"(?:(?<![\w+])(?:\+7|[78])?[\s(-]{0,3}[3489]\d\d(?:[\s()-]{0,3}\d){7}(?!\d).*?){2}", re.DOTALL
)
_ALLOWED = re.compile(r"\(?\s*\+?[\d\s().-]*", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_QUOTES = "\"'`´«»“”„‟‘’‚‹›ʼ"


def _cleaning_table() -> dict[int, str | None]:
    """Map every Unicode space and dash to the plain one and drop the invisible marks (rule T2)."""
    table: dict[int, str | None] = {}
    for code in [*range(0x80, 0x3100), *range(0xFE00, 0xFF00), *range(0xE0000, 0xE0080)]:
        category = unicodedata.category(chr(code))
        if category in ("Zs", "Zl", "Zp"):
            table[code] = " "
        elif category == "Pd" or code in (0x2212, 0x2043, 0x02D7):
            table[code] = "-"
        elif category == "Cf" or 0xFE00 <= code <= 0xFE0F:
            table[code] = None
    return table


_CLEANING = _cleaning_table()


def clean(text: str) -> str:
    """Bring look-alike characters to their plain forms; structure and letters stay."""
    if text.isascii():
        return text
    text = text.replace("№", " № ") if "№" in text else text
    # NFKC would turn the sign into the letters «No».
    parts = (unicodedata.normalize("NFKC", part).translate(_CLEANING) for part in text.split("№"))
    return "№".join(parts)


def looks_like_formula(text: str) -> bool:
    """Tell whether a spreadsheet would run it; such a text is refused whole (rule T7)."""
    bare = text.lstrip(_QUOTES + " \t\r\n")
    if bare[:1] in ("=", "@"):
        return True
    return _FUNCTION.match(bare) is not None and _LEADING_LABELS.match(bare) is None


def parse(text: str) -> Phone:
    """Read one number in any usual spelling. Raises PhoneError(reason), rule T11; never guesses (rule T5)."""
    match = _PLAIN.fullmatch(text)
    if match is not None:
        return national_phone("".join(match.groups()))
    return _parse_unusual(text)


def number(text: str) -> int:
    """``to_int(parse(text).e164)`` without the Phone in between: a file has a million of them."""
    match = _PLAIN_MOBILE.fullmatch(text)
    return to_int(parse(text).e164) if match is None else int("7" + "".join(match.groups()))


def plain_numbers(texts: Iterable[str]) -> list[int | None]:
    """As ``number`` for each text that is a mobile number in a usual spelling; None for any other, right or wrong."""
    matches = map(_PLAIN_MOBILE.fullmatch, texts)
    return [None if match is None else int("7" + "".join(match.groups())) for match in matches]


def _parse_unusual(text: str) -> Phone:
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise PhoneError("too_long")
    text = clean(text).strip()
    text = TEXT_FORMULA.sub(r"\1", text) if TEXT_FORMULA.fullmatch(text) else text
    if looks_like_formula(text):
        raise PhoneError("formula")
    bare = text.strip(_QUOTES + " \t\r\n")
    if not bare:
        raise PhoneError("empty")
    bare, notices = _strip_wrapping(bare)
    scientific = SCIENTIFIC.fullmatch(bare)
    if scientific is not None:
        bare, notices = _expand(scientific), (*notices, "scientific")
    decimal = _DECIMAL_TAIL.fullmatch(bare)
    if decimal is not None:
        bare = decimal.group(1)
    _refuse_shape(bare)
    return _from_digits("".join(_DIGITS.findall(bare)), bare.lstrip("( ")[:1] == "+", notices)


def _strip_wrapping(text: str) -> tuple[str, tuple[str, ...]]:
    """Take off what stands around a number: labels, quotes, a leading dash, trailing punctuation, an extension."""
    notices: tuple[str, ...] = ()
    label = _LEADING_LABELS.match(text)
    if label is not None:
        text = text[label.end() :]
        if text.startswith("//"):
            text = text[2:]
    text = text.strip(_QUOTES + " \t\r\n;,").lstrip("- ").rstrip(".- ")
    extension = _EXTENSION_AT_END.search(text)
    if extension is not None and extension.start() > 0:
        text, notices = text[: extension.start()], ("extension",)
    trailing = _TRAILING_LABELS.search(text)
    if trailing is not None and trailing.start() > 0:
        text = text[: trailing.start()]
    return text.strip(_QUOTES + " \t\r\n;,"), notices


def _expand(match: re.Match[str]) -> str:
    """Write 7,9253944577E+10 out, or raise PhoneError lossy when the spreadsheet has eaten digits (rule T4)."""
    whole, fraction, sign, exponent = match.group(1), match.group(2) or "", match.group(3), int(match.group(4))
    if sign == "-" or len(fraction) < exponent or fraction[exponent:].strip("0"):
        raise PhoneError("lossy")
    return whole + fraction[:exponent]


def _refuse_shape(text: str) -> None:
    """Raise PhoneError for what is no bare number although it holds digits (rule T6)."""
    if _ALLOWED.fullmatch(text):
        if _IPV4.fullmatch(text) or _is_decimal(text):
            raise PhoneError("bad_chars")
        if not any(char.isdigit() for char in text):
            raise PhoneError("no_digits")
        return
    if len(text) >= 20 and _TWO_NUMBERS.search(text):
        raise PhoneError("multiple")
    if not any(char.isdigit() for char in text):
        raise PhoneError("no_digits")
    if any(char.isalpha() for char in text):
        raise PhoneError("letters")
    if _SLASH_TAIL.search(text):
        raise PhoneError("ambiguous")
    raise PhoneError("bad_chars")


def _is_decimal(text: str) -> bool:
    """A single dot beside a long run of digits is a decimal point: 8925394457.7 is an amount, 925.394 a grouping."""
    return text.count(".") == 1 and any(len(run) > 4 for run in _DIGITS.findall(text))


def _from_digits(digits: str, plus: bool, notices: tuple[str, ...]) -> Phone:
    """Decide by count and first digits (rules T3, T5)."""
    size = len(digits)
    if plus:
        if size == 11 and digits[:2] == "89":
            return national_phone(digits[1:], (*notices, "plus_eight"))
        return international_phone(digits, notices)
    if size >= 12:
        if size >= 20 and _is_several(digits):
            raise PhoneError("multiple")
        if digits[:2] == "00":
            return international_phone(digits[2:], notices)
        if digits[:3] == "810":
            return international_phone(digits[3:], notices)
        raise PhoneError("too_long")
    if size < 10:
        raise PhoneError("too_short")
    if size == 11:
        if digits[0] in "78":
            return national_phone(digits[1:], notices)
        raise PhoneError("too_long")
    if digits[0] in "67":
        raise PhoneError("ambiguous")
    return national_phone(digits, notices)


def _is_several(digits: str) -> bool:
    """Tell whether a long run of digits begins with a whole number and has room for another one."""
    for cut in (11, 10):
        try:
            _from_digits(digits[:cut], False, ())
        except PhoneError:
            continue
        rest = digits[cut:]
        return len(rest) >= 10 and rest[0] in "34789"
    return False
