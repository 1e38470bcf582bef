"""The contacts of a campaign with what came of them: looked at and taken away. Reached from the campaign's page."""

from decimal import Decimal
from typing import Any

from callcab.models import ContactState
from callcab.services.specs.campaign import CAMPAIGN_CONTACT
from callcab.views.lookups import CAMPAIGNS
from callcab.web import errors, theme
from callcab.web import telephony_words as words
from callcab.web.formatters import duration, money, number, phone
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import NUMBER_HINT, Column, Empty, FilterField, ListView

STATES = {item.value: errors.TEXTS[f"contact_state.{item.value}"] for item in ContactState}


def outcome_of(row: Any) -> Any:
    if row.state is ContactState.REFUSED:
        return words.outcome_status("request_refused")
    return words.outcome_status(row.outcome) if row.outcome else ""


def cost_of(row: Any) -> str:
    return money(sum((call.cost for call in row.calls), Decimal(0)))


class CampaignContacts(ListView):
    """What both sides share."""

    spec = CAMPAIGN_CONTACT
    search_hint = NUMBER_HINT
    slug = "campaign-contacts"
    label = _l("Результаты рассылок")
    group = theme.TELEPHONY
    icon = "list-details"
    permission = "campaign.read"
    export_permission = "call.export"
    menu_visible = False
    search_label = _l("Поиск номера")
    columns: Any = (
        Column("phone", _l("Телефон"), lambda row: phone(row.phone), kind="main phone"),
        Column("state", _l("Состояние"), lambda row: STATES[row.state.value]),
        Column("outcome", _l("Исход"), outcome_of),
        Column("reason", _l("Причина"), lambda row: words.reason(row.outcome or "") if row.state == "refused" else ""),
        Column("attempts", _l("Попыток"), lambda row: number(row.attempts), kind="num"),
        Column("digits", _l("Нажато"), lambda row: row.calls[-1].digits if row.calls else ""),
        Column("seconds", _l("Разговор"), lambda row: duration(sum(call.seconds for call in row.calls)), kind="num"),
        Column(
            "cost", _l("Стоимость"), lambda row: money(sum((call.cost for call in row.calls), Decimal(0))), kind="money"
        ),
    )
    filters: Any = (
        FilterField("campaign", _l("Рассылка"), lookup=CAMPAIGNS),
        FilterField("state", _l("Состояние"), STATES),
    )
    empty = Empty(_l("Номеров нет"), _l("Выберите рассылку."), "list-details")

    def name_of(self, row: Any) -> str:
        return phone(row.phone)


class CabinetCampaignContacts(CampaignContacts):
    face = "cabinet"


class SupportCampaignContacts(CampaignContacts):
    face = "admin"
