"""Lists of contacts: made, filled from text and files, chosen for campaigns."""

from callcab.services.contact_list.choosing import chosen, consent_of, copy_to, count_together
from callcab.services.contact_list.editing import LONGEST_NAME, LONGEST_SOURCE, create, edit, get
from callcab.services.contact_list.filling import Columns, Guess, add, check_columns, guess, variables_text

__all__ = [
    "LONGEST_NAME",
    "LONGEST_SOURCE",
    "Columns",
    "Guess",
    "add",
    "check_columns",
    "chosen",
    "consent_of",
    "copy_to",
    "count_together",
    "create",
    "edit",
    "get",
    "guess",
    "variables_text",
]
