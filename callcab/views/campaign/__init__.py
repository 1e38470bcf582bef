"""Call campaigns: the customer's and support's lists, the form, the page with its buttons."""

from callcab.views.campaign.lists import CabinetCampaign, SupportCampaign


def support_views() -> list[SupportCampaign]:
    return [SupportCampaign()]


def cabinet_views() -> list[CabinetCampaign]:
    return [CabinetCampaign()]
