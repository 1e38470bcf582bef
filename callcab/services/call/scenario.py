"""What the robot of a campaign says and does: its menu as steps that a provider carries out."""

from collections.abc import Sequence

from callcab.db import CabSession
from callcab.lib import phone as phones
from callcab.models import Campaign, IvrAction, IvrRule
from callcab.providers.telephony.base import Again, Gather, HangUp, Play, Step, Transfer
from callcab.services import stored_file
from callcab.services.ivr_rule import transfer_numbers

# Said when the customer wrote nothing of his own.
USUAL = {
    IvrAction.BLACKLIST: "Вы больше не получите звонков от этой компании. До свидания.",
    IvrAction.TRANSFER: "Соединяем, подождите.",
    IvrAction.CALLBACK: "Спасибо, мы вам перезвоним.",
}
UNHEARD = "Вы ничего не нажали."
UNKNOWN = "Такого пункта нет."
NO_TRANSFER = "Сейчас соединить не получается. Мы вам перезвоним."


def scenario_of(session: CabSession, campaign: Campaign) -> tuple[Step, ...]:
    """The campaign's menu: its prompt, and what each digit leads to.

    A number that is no longer proved is not dialled: who asks for it hears that he will be called back, and
    ``callback_request`` keeps that promise.
    """
    message = message_of(campaign)
    if not campaign.rules:
        return (message, HangUp())
    reachable = set(transfer_numbers(session, campaign.customer_id))
    return (
        Gather(
            prompt=(message,),
            branches={rule.digit: _branch(rule, reachable) for rule in campaign.rules},
            otherwise=(HangUp(),),
            tries=campaign.menu_tries,
            unheard=(Play(campaign.unheard or UNHEARD),),
            unknown=(Play(campaign.unknown or UNKNOWN),),
        ),
    )


def message_of(campaign: Campaign) -> Play:
    """What the campaign is about: its recording, or its text with the names of variables."""
    recording = campaign.recording
    if recording is None:
        return Play(campaign.prompt)
    path = stored_file.storage().path(recording.file.key)
    return Play(f"Аудиозапись „{recording.name}“", sound=str(path), seconds=recording.seconds)


def _branch(rule: IvrRule, reachable: set[int]) -> Sequence[Step]:
    if rule.action is IvrAction.TRANSFER and rule.transfer_to not in reachable:
        return (Play(NO_TRANSFER), HangUp())
    text = rule.prompt or USUAL.get(rule.action, "")
    return (*((Play(text),) if text else ()), _last(rule))


def _last(rule: IvrRule) -> Step:
    if rule.action is IvrAction.TRANSFER:
        return Transfer(phones.from_int(rule.transfer_to or 0))
    return Again() if rule.action is IvrAction.REPEAT else HangUp()
