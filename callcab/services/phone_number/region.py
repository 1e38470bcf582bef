"""Where a number is from, as far as its digits say: the area code of a fixed number; mobile codes say nothing."""

from functools import lru_cache

import phonenumbers
import sqlalchemy as sa
from phonenumbers import geocoder

from callcab.db import CabSession
from callcab.models import Contact, ContactState

# +7 ABC …: a number divided by this is its country code and area code.
PER_CODE = 10_000_000
_FIRST_FIXED, _LAST_FIXED = 7_300, 7_899
_NOWHERE = {"", "Россия"}
# The plan's tables part these by the digits that follow; for whoever is called they are one region.
_MOSCOW = (7_495, 7_496, 7_498, 7_499)


@lru_cache(maxsize=2_000)
def name_of(code: int) -> str:
    """The region of an area code such as 7495, in the words of the numbering plan; empty when it has none."""
    if not _FIRST_FIXED <= code <= _LAST_FIXED:
        return ""
    code = _MOSCOW[0] if code in _MOSCOW else code
    found = geocoder.description_for_number(phonenumbers.parse(f"+{code}2000000"), "ru")
    return "" if found in _NOWHERE else str(found)


@lru_cache(maxsize=2_000)
def siblings(code: int) -> tuple[int, ...]:
    """All area codes of the same region (495 and 499 are both Moscow's); nothing for a code without a region."""
    wanted = name_of(code)
    return tuple(other for other in range(_FIRST_FIXED, _LAST_FIXED + 1) if wanted and name_of(other) == wanted)


def main_codes(session: CabSession, campaign_id: int) -> tuple[int, ...]:
    """Area codes of the region where most of the campaign's callees with a known region are; empty when none has."""
    code = sa.func.div(Contact.phone, PER_CODE)
    found = session.execute(
        sa.select(code, sa.func.count())
        .where(Contact.campaign_id == campaign_id, code.between(_FIRST_FIXED, _LAST_FIXED))
        .where(Contact.state.in_((ContactState.NEW, ContactState.WAITING, ContactState.CALLING)))
        .group_by(code)
    )
    counts: dict[str, int] = {}
    codes: dict[str, int] = {}
    for area, count in found:
        region = name_of(int(area))
        if region:
            counts[region] = counts.get(region, 0) + count
            codes[region] = int(area)
    if not counts:
        return ()
    largest = max(sorted(counts), key=lambda region: counts[region])
    return siblings(codes[largest])
