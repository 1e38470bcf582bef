"""Where a number is from, as far as its digits say: the area code of a fixed number; mobile codes say nothing."""

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.phone.area_codes import CODES_OF_REGION, REGION_OF_CODE
from callcab.models import Contact, ContactState

# +7 ABC …: a number divided by this is its country code and area code.
PER_CODE = 10_000_000
_COUNTRY = 7_000
_FIRST_FIXED, _LAST_FIXED = 7_300, 7_899


def name_of(code: int) -> str:
    """The region of an area code such as 7495, in the words of the numbering plan; empty when it has none."""
    return REGION_OF_CODE.get(code - _COUNTRY, "")


def siblings(code: int) -> tuple[int, ...]:
    """All area codes of the same region (495 and 499 are both Moscow's); nothing for a code without a region."""
    return tuple(_COUNTRY + other for other in CODES_OF_REGION.get(name_of(code), ()))


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
