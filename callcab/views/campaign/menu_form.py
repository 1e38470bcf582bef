"""The part of a campaign's form that draws up its voice menu, and the menu as a table for its page."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from wtforms import SelectField, StringField, validators

from callcab.db import CabSession
from callcab.lib import phone as phone_lib
from callcab.models import Call, Campaign, IvrAction, IvrRule
from callcab.providers import telephony
from callcab.providers.telephony.base import Transfer
from callcab.services.call.scenario import UNHEARD, UNKNOWN, USUAL
from callcab.services.ivr_rule import KEYS, LONGEST_PROMPT, TRIES, Rule, transfer_numbers
from callcab.web.formatters import number, phone
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l

ACTIONS = {
    IvrAction.PLAY: _l("Сказать текст и закончить"),
    IvrAction.TRANSFER: _l("Соединить с моим номером"),
    IvrAction.CALLBACK: _l("Записать заявку на звонок"),
    IvrAction.BLACKLIST: _l("Внести в чёрный список"),
    IvrAction.REPEAT: _l("Повторить сообщение"),
    IvrAction.HANGUP: _l("Положить трубку"),
}
# Keys that most menus use; the others open on demand.
USUAL_KEYS = "1290"
_ID = {"*": "star", "#": "hash"}


class MenuForm(Form):
    """Fields of the menu. Those of a key are ``rule_1``, ``rule_1_prompt`` and ``rule_1_transfer``."""

    menu_tries = SelectField(
        _l("Сколько раз говорить сообщение"),
        choices=[(count, str(count)) for count in range(TRIES[0], TRIES[1] + 1)],
        coerce=int,
        default=2,
        description=_l("Если человек ничего не нажал или нажал клавишу без правила."),
    )
    unheard = StringField(
        _l("Если ничего не нажали, сказать"), render_kw={"maxlength": LONGEST_PROMPT, "placeholder": UNHEARD}
    )
    unknown = StringField(
        _l("Если нажали другую клавишу, сказать"), render_kw={"maxlength": LONGEST_PROMPT, "placeholder": UNKNOWN}
    )

    def shown(self, keys: str) -> bool:
        """Whether one of the keys has a rule or a mistake: then the part that holds it is open."""
        return any(self[f"rule_{key}"].data or self[f"rule_{key}_prompt"].data for key in keys)


for _key in KEYS:
    _name = _ID.get(_key, _key)
    setattr(
        MenuForm,
        f"rule_{_key}",
        SelectField(
            _l("Клавиша %(digit)s", digit=_key),
            id=f"rule_{_name}",
            render_kw={"data-menu-action": ""},
            default=IvrAction.BLACKLIST.value if _key == "9" else "",
        ),
    )
    setattr(
        MenuForm,
        f"rule_{_key}_prompt",
        StringField(
            _l("Что сказать"),
            [validators.Length(max=LONGEST_PROMPT)],
            id=f"rule_{_name}_prompt",
            render_kw={"maxlength": LONGEST_PROMPT},
        ),
    )
    setattr(
        MenuForm,
        f"rule_{_key}_transfer",
        SelectField(
            _l("С каким номером"), id=f"rule_{_name}_transfer", coerce=lambda value: int(value) if value else None
        ),
    )


def make_menu(session: CabSession, customer_id: int, sent: Any = None) -> MenuForm:
    """The form with what this customer and the telephony can do."""
    form = MenuForm(sent or None)
    numbers = transfer_numbers(session, customer_id)
    actions = [(action.value, text) for action, text in ACTIONS.items() if action is not IvrAction.TRANSFER or _joins()]
    for key in KEYS:
        form[f"rule_{key}"].choices = [("", _("Ничего")), *actions]
        form[f"rule_{key}_transfer"].choices = [("", _("Выберите")), *((str(item), phone(item)) for item in numbers)]
    return form


def read_menu(form: MenuForm) -> dict[str, Any]:
    """The validated form as values of a draft."""
    rules = [
        Rule(
            key,
            IvrAction(form[f"rule_{key}"].data),
            form[f"rule_{key}_prompt"].data or "",
            form[f"rule_{key}_transfer"].data,
        )
        for key in KEYS
        if form[f"rule_{key}"].data
    ]
    return {
        "rules": rules,
        "menu_tries": form.menu_tries.data,
        "unheard": form.unheard.data or "",
        "unknown": form.unknown.data or "",
    }


def menu_table(session: CabSession, campaign: Campaign) -> list[tuple[Any, Any, str, str]]:
    """Rows for the campaign's page: key, what happens, what is said, how many callees pressed it."""
    counts = pressed(session, campaign.id)
    rules = sorted(campaign.rules, key=lambda rule: KEYS.index(rule.digit))
    return [
        (rule.digit, _effect(rule), rule.prompt or USUAL.get(rule.action, ""), number(counts.get(rule.digit, 0)))
        for rule in rules
    ]


def silence_facts(campaign: Campaign) -> Sequence[tuple[Any, Any]]:
    """What a menu does when nothing or nothing known is pressed."""
    if not campaign.rules:
        return ()
    facts: list[tuple[Any, Any]] = [(_("Сколько раз говорить сообщение"), number(campaign.menu_tries))]
    if campaign.menu_tries > 1:
        facts += [
            (_("Если ничего не нажали"), campaign.unheard or UNHEARD),
            (_("Если нажали другую клавишу"), campaign.unknown or UNKNOWN),
        ]
    return facts


def pressed(session: CabSession, campaign_id: int) -> Mapping[str, int]:
    """How many calls of the campaign each key was pressed in."""
    found = session.execute(
        sa.select(Call.digits, sa.func.count())
        .where(Call.campaign_id == campaign_id, Call.digits != "")
        .group_by(Call.digits)
    )
    counts: dict[str, int] = {}
    for digits, count in found:
        for digit in set(digits):
            counts[digit] = counts.get(digit, 0) + count
    return counts


def _effect(rule: IvrRule) -> Any:
    text = ACTIONS[rule.action]
    return f"{text}: {phone(rule.transfer_to)}" if rule.transfer_to else text


def _joins() -> bool:
    """Whether the telephony in use can join two calls."""
    return not telephony.provider().unsupported([Transfer(phone_lib.from_int(79250000000))])
