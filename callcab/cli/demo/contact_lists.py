"""Lists of contacts as customers keep them: from files with names and sums, from a pasted text; one made a campaign."""

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from random import Random

import sqlalchemy as sa

from callcab.cli.demo import dice
from callcab.cli.demo.lists import carry_out
from callcab.cli.demo.people import World
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import BlacklistSource, ContactList, IvrAction, Purpose
from callcab.providers.speech import EspeakSpeech, SpeechUnavailable
from callcab.services import audio_recording, contact_list, operation, stored_file
from callcab.services import campaign as campaigns


@dataclass(frozen=True)
class Story:
    """A list: whose, its name, how many days ago, how many numbers, where consent is from, what else is known."""

    key: str
    name: str
    days: int
    size: int
    consent: str = ""
    titles: tuple[str, ...] = ()


STORIES = (
    Story("north", "Постоянные покупатели", 21, 420, "Анкета постоянного покупателя, пункт 7", ("Имя", "Скидка, %")),
    Story("north", "Заказы октября", 12, 160, "", ("Имя", "Номер заказа")),
    Story("doctor", "Пациенты отделения", 17, 260, "Договор на медицинские услуги, приложение 2", ("Имя", "Врач")),
    Story("collect", "Реестр № 14", 8, 310, "", ("Имя", "Сумма")),
    Story("ural", "Жители Заречной", 5, 90),
)
_NAMES = ("Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Инна", "Кирилл")
NEWS = "Здравствуйте! У нас новое поступление. Чтобы больше не получать звонки, нажмите девять."
_SPOILT = ("8925394457", "уточнить", "8 800 555-35-35")


def plan(world: World) -> None:
    for story in STORIES:
        world.timeline.add(world.timeline.afternoon(story.days, 200), lambda s=story: _make(world, s))
    world.timeline.add(world.timeline.ago(11), lambda: _campaign(world))


def _make(world: World, story: Story) -> None:
    actor, customer_id = world.owner(story.key), world.customers[story.key].id
    given = {"consent_source": story.consent, "consent_on": clock.now().date() - timedelta(days=40)}
    values = {"name": story.name, **(given if story.consent else {})}
    made = contact_list.create(world.session, values, customer_id=customer_id, actor=actor)
    rolls = dice.dice(f"contacts:{story.name}")
    numbers = sorted({dice.mobile(rolls) for _ in range(story.size)})
    if story.titles:
        _load_file(world, story, made, rolls, numbers)
    else:
        contact_list.add(world.session, made, {number: {} for number in numbers})


def _load_file(world: World, story: Story, made: ContactList, rolls: Random, numbers: list[int]) -> None:
    actor, customer_id = world.owner(story.key), made.customer_id
    lines = [";".join(("Телефон", *story.titles))]
    for number in numbers:
        lines.append(f"{phones.display(phones.from_int(number))};{rolls.choice(_NAMES)};{rolls.randrange(100, 9_000)}")
    lines += [f"{text};Аноним;0" for text in _SPOILT] + lines[1:6]
    file = stored_file.upload(
        world.session,
        BytesIO("\r\n".join(lines).encode("cp1251")),
        name=f"{story.name}.csv",
        content_type="text/csv",
        customer_id=customer_id,
        created_by=actor.user_id,
    )
    columns = contact_list.guess(stored_file.path(file)).columns
    work = operation.start_import(
        world.session,
        name="contact_list.import",
        file=file,
        params={
            "customer_id": customer_id,
            "list_id": made.id,
            "source": BlacklistSource.FILE.value,
            "columns": contact_list.check_columns(columns, made).stored(),
        },
        actor=actor,
        customer_id=customer_id,
    )
    carry_out(world, work)
    operation.confirm(world.session, work.id, expected=work.done, actor=actor)
    carry_out(world, work)


def _recording(world: World) -> int | None:
    """An uploaded sound; a machine without a voice has none, and the campaign says its text."""
    try:
        data = EspeakSpeech().render(NEWS)
    except SpeechUnavailable:
        return None
    customer_id = world.customers["north"].id
    made = audio_recording.add(
        world.session,
        data,
        name="Новое поступление",
        file_name="",
        customer_id=customer_id,
        actor=world.owner("north"),
    )
    return made.id


def _campaign(world: World) -> None:
    """A draft made from lists with a recording: what stands before a launch can be looked at and listened to."""
    customer_id = world.customers["north"].id
    lists = world.session.scalars(
        sa.select(ContactList.id).where(ContactList.customer_id == customer_id).order_by(ContactList.id)
    ).all()
    draft = campaigns.Draft(
        name="Новинки для постоянных покупателей",
        purpose=Purpose.INFORMATION,
        prompt=NEWS,
        recording_id=_recording(world),
        lists=lists,
        rules=(campaigns.Rule("9", IvrAction.BLACKLIST),),
    )
    campaigns.create(world.session, draft, customer_id=customer_id, actor=world.owner("north"))
