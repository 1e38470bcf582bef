"""Phone numbers: reading what people type, paste and upload, and showing it back.

Everything is about Russian numbers; the rest of the world is recognised only to be refused by name. The rules
are T1-T11 of the domain notes.
"""

from callcab.lib.phone.finding import Extraction, Rejected, extract, last_digits, search_digits
from callcab.lib.phone.numbering import Phone, PhoneError, display, from_int, is_dialable, to_int
from callcab.lib.phone.reading import number, parse, plain_numbers
from callcab.lib.phone.searching import BEHIND_HEAD, HEAD, HEADS, WHOLE, Spans, head_span, last_span, spans

__all__ = [
    "BEHIND_HEAD",
    "HEAD",
    "HEADS",
    "WHOLE",
    "Extraction",
    "Phone",
    "PhoneError",
    "Rejected",
    "Spans",
    "display",
    "extract",
    "from_int",
    "head_span",
    "is_dialable",
    "last_digits",
    "last_span",
    "number",
    "parse",
    "plain_numbers",
    "search_digits",
    "spans",
    "to_int",
]
