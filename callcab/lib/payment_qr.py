"""The payment QR code of Russian banks, ST00012 (rules Q1-Q6)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO

import segno

from callcab.lib.money import in_kopecks

PREFIX = "ST0001"
ENCODINGS = {"1": "cp1251", "2": "utf-8", "3": "koi8-r"}
UTF_8 = "2"
MANDATORY = ("Name", "PersonalAcc", "BankName", "BIC", "CorrespAcc")
MANDATORY_BYTES = 300
LIMITS = {"Name": 160, "PersonalAcc": 20, "BankName": 45, "BIC": 9, "CorrespAcc": 20, "Sum": 18, "Purpose": 210}
FORMS = {
    "PersonalAcc": re.compile(r"[0-9]{5}[0-9ABCEHKMPTX][0-9]{14}"),
    "BIC": re.compile(r"[0-9]{9}"),
    # A client of the Bank of Russia has no correspondent account and writes a single zero.
    "CorrespAcc": re.compile(r"[0-9]{20}|0"),
    "Sum": re.compile(r"[0-9]{1,18}"),
    "PayeeINN": re.compile(r"[0-9]{10}|[0-9]{12}"),
    "KPP": re.compile(r"[0-9A-Z]{9}"),
}
KEY = re.compile(r"[A-Za-z][A-Za-z0-9]*")
SEPARATORS = "|~^;$#&*!%"
BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
# Any mask is readable; trying all eight to find the prettiest costs 13 ms a code.
MASK = 4
QUIET_ZONE = 4


class PaymentQrError(ValueError):
    """Reasons: prefix, encoding, missing, format, too_long, repeated, separator; `field` is the key to blame."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{reason} {field}".strip())
        self.reason = reason
        self.field = field


@dataclass(frozen=True, slots=True)
class PaymentQr:
    """A decoded code; `amount` in roubles, `fields` has every key as it was written."""

    name: str
    personal_acc: str
    bank_name: str
    bic: str
    corresp_acc: str
    amount: Decimal | None = None
    purpose: str | None = None
    payee_inn: str | None = None
    kpp: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


def encode(
    *,
    name: str,
    personal_acc: str,
    bank_name: str,
    bic: str,
    corresp_acc: str,
    amount: Decimal | None = None,
    purpose: str | None = None,
    payee_inn: str | None = None,
    kpp: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """The text of the code: UTF-8, mandatory fields first, empty optional ones left out (rules Q1-Q5).

    amount   roubles; written in kopecks
    extra    further keys of the standard, such as `DocNo`
    raises   PaymentQrError: a field is missing, malformed or too long; nothing is cut (see `fit`)
    """
    fields = {
        "Name": name,
        "PersonalAcc": personal_acc,
        "BankName": bank_name,
        "BIC": bic,
        "CorrespAcc": corresp_acc or "0",
        "Sum": "" if amount is None else str(in_kopecks(amount)),
        "Purpose": purpose or "",
        "PayeeINN": payee_inn or "",
        "KPP": kpp or "",
    }
    for key, value in (extra or {}).items():
        if not KEY.fullmatch(key):
            raise PaymentQrError("format", key)
        if key in fields:
            raise PaymentQrError("repeated", key)
        fields[key] = value
    return _write({key: one_line(value) for key, value in fields.items()})


def decode(text: str | bytes) -> PaymentQr:
    """Read a code: bytes in any of the three encodings, or text; a trailing separator is fine (rule Q4).

    raises   PaymentQrError
    """
    content = _decoded(text) if isinstance(text, bytes) else text
    if not content.startswith(PREFIX) or len(content) < 8:
        raise PaymentQrError("prefix")
    if content[6] not in ENCODINGS:
        raise PaymentQrError("encoding")
    fields = _read_fields(content[8:].strip("\r\n"), content[7])
    _check(fields)
    return PaymentQr(
        name=fields["Name"],
        personal_acc=fields["PersonalAcc"],
        bank_name=fields["BankName"],
        bic=fields["BIC"],
        corresp_acc=fields["CorrespAcc"],
        amount=Decimal(fields["Sum"]).scaleb(-2) if fields.get("Sum") else None,
        purpose=fields.get("Purpose") or None,
        payee_inn=fields.get("PayeeINN") or None,
        kpp=fields.get("KPP") or None,
        fields=fields,
    )


def fit(name: str, bank_name: str) -> tuple[str, str]:
    """Names cut to what the mandatory block holds: 160 and 45 characters, 300 bytes in all (rule Q2).

    A bank finds the payee by account and BIK, so a cut name still pays; a document prints the full one.
    """
    bank = one_line(bank_name)[: LIMITS["BankName"]].rstrip()
    payee = one_line(name)[: LIMITS["Name"]].rstrip()
    digits = {"PersonalAcc": "0" * 20, "BIC": "0" * 9, "CorrespAcc": "0" * 20}
    while payee and len(_block({"Name": payee, "BankName": bank, **digits}, "|").encode()) > MANDATORY_BYTES:
        payee = payee[:-1].rstrip()
    return payee, bank


def svg(text: str, *, module: int = 3) -> str:
    """The code as an SVG element to put into a page: attributes only, no style; `module` in pixels."""
    return _code(text).svg_inline(
        scale=module, border=QUIET_ZONE, svgclass="payment-qr", lineclass=None, omitsize=False
    )


def png(text: str, *, module: int = 6, border: int = QUIET_ZONE) -> bytes:
    """The code as a PNG; `module` is the size of one square in pixels."""
    out = BytesIO()
    _code(text).save(out, kind="png", scale=module, border=border)
    return out.getvalue()


def one_line(value: str) -> str:
    """A value may have no line breaks or other control characters; each run becomes a space."""
    return BREAKS.sub(" ", value).strip()


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", mask=MASK, micro=False, encoding="utf-8")


def _write(fields: dict[str, str]) -> str:
    _check(fields)
    for key, value in fields.items():
        if len(value) > LIMITS.get(key, 1000):
            raise PaymentQrError("too_long", key)
    used = set("".join(fields.values()))
    separator = next((sign for sign in SEPARATORS if sign not in used), "")
    if not separator:
        raise PaymentQrError("separator")
    block = _block(fields, separator)
    if len(block.encode()) > MANDATORY_BYTES:
        raise PaymentQrError("too_long", "Name")
    rest = [f"{key}={value}" for key, value in fields.items() if value and key not in MANDATORY]
    return separator.join([block, *rest])


def _block(fields: Mapping[str, str], separator: str) -> str:
    return separator.join([f"{PREFIX}{UTF_8}", *(f"{key}={fields[key]}" for key in MANDATORY)])


def _decoded(data: bytes) -> str:
    encoding = ENCODINGS.get(chr(data[6])) if data.startswith(PREFIX.encode()) and len(data) > 7 else None
    if encoding is None:
        raise PaymentQrError("encoding" if data.startswith(PREFIX.encode()) else "prefix")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise PaymentQrError("encoding") from error


def _read_fields(content: str, separator: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in content.split(separator):
        if not part:
            continue
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise PaymentQrError("format", key)
        if key in fields:
            raise PaymentQrError("repeated", key)
        fields[key] = value
    return fields


def _check(fields: Mapping[str, str]) -> None:
    for key in MANDATORY:
        if not fields.get(key):
            raise PaymentQrError("missing", key)
    for key, form in FORMS.items():
        if fields.get(key) and not form.fullmatch(fields[key]):
            raise PaymentQrError("format", key)
