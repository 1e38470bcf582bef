"""Call campaigns: the customer's and support's lists, the form, the page with its buttons, the results."""

from callcab.views.campaign.contacts import CabinetCampaignContacts, SupportCampaignContacts
from callcab.views.campaign.lists import CabinetCampaign, SupportCampaign
from callcab.web.listing import ListView


def support_views() -> list[ListView]:
    return [SupportCampaign(), SupportCampaignContacts()]


def cabinet_views() -> list[ListView]:
    return [CabinetCampaign(), CabinetCampaignContacts()]
