"""Recordings for campaigns: the customer uploads and listens, support listens."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request, send_file
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.datastructures import CombinedMultiDict
from wtforms import FileField, StringField, validators

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import DomainError, Invalid
from callcab.models import AudioRecording
from callcab.scope import Actor
from callcab.services import audio_recording, forecasts, stored_file
from callcab.services.audio_recording import LARGEST, LONGEST_NAME
from callcab.services.specs.audio_recording import AUDIO_RECORDING
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, theme
from callcab.web import telephony_words as words
from callcab.web.access import allow_upload, current_actor, current_customer_id, current_scope, requires
from callcab.web.formatters import duration, moment, number, size
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, FilterField, ListView, PageAction, fixed

# A file that is a little too large gets a sentence beside its field; more than this is not read at all.
BODY_LIMIT = 4 * LARGEST
# Also what the reader of a form may hold in memory of a file's part that is still coming in.
TEXT_LIMIT = 1 << 20


class UploadForm(Form):
    file = FileField(
        _l("Файл"),
        description=_l("MP3, WAV, OGG или FLAC, до 10 МБ и до 3 минут. Переведём в звук телефона сами."),
        render_kw={"accept": ".mp3,.wav,.ogg,.oga,.flac,audio/*", "required": True},
    )
    name = StringField(
        _l("Название"),
        [validators.Optional(), validators.Length(max=LONGEST_NAME)],
        description=_l("Пусто: как файл."),
        render_kw={"maxlength": LONGEST_NAME, "autocomplete": "off"},
    )


def player(url: str, label: str) -> Markup:
    """A browser's own player; nothing is fetched before somebody presses it."""
    return Markup('<audio class="player" controls preload="none" src="{}" aria-label="{}"></audio>').format(url, label)


def delete(session: CabSession, rows: Sequence[AudioRecording], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        audio_recording.delete(session, row.id, customer_id=row.customer_id, actor=actor)
    return _("Удалено.")


class AudioRecordings(ListView):
    """What both sides share."""

    spec = AUDIO_RECORDING
    slug = "audio-recordings"
    label = _l("Аудиозаписи")
    group = theme.TELEPHONY
    icon = "player-play"
    permission = "audio_recording.read"
    search_label = _l("Название аудиозаписи")
    filters: Any = (FilterField("created", _l("Загружена")),)
    empty = Empty(
        _l("Аудиозаписей пока нет"),
        _l("Загрузите готовый ролик — рассылка проиграет его вместо голоса робота."),
        "player-play",
    )

    def name_of(self, row: Any) -> str:
        return str(row.name)

    @expose("/sound/")
    def sound_view(self) -> ResponseReturnValue:
        """The sound itself, for players; 404 for a stranger's."""
        row = self.row_or_404(request.args.get("id", ""))
        answer = send_file(stored_file.path(row.file), mimetype="audio/wav", download_name=row.file.name, max_age=0)
        answer.headers["Cache-Control"] = "private, no-store"
        return answer


def _columns(face: str) -> tuple[Column, ...]:
    return (
        Column("created_at", _l("Загружена"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("name", _l("Название"), lambda row: row.name, kind="main"),
        Column(
            "sound",
            _l("Прослушать"),
            lambda row: player(
                f"/{face}/audio-recordings/sound/?id={row.id}", _("Прослушать: %(name)s", name=row.name)
            ),
        ),
        Column("seconds", _l("Длина"), lambda row: duration(row.seconds), kind="num"),
        Column("size", _l("Размер"), lambda row: size(row.file.size), kind="num"),
        Column("campaigns", _l("Рассылок"), lambda row: number(row.campaigns_count), kind="num"),
        Column("author", _l("Кто"), lambda row: row.author_name),
    )


class CabinetAudioRecordings(AudioRecordings):
    face = "cabinet"
    columns = _columns("cabinet")
    page_actions = (
        PageAction(_l("Загрузить аудиозапись"), "/cabinet/audio-recordings/new/", permission="audio_recording.edit"),
    )
    actions = (
        Action(
            "delete",
            _l("Удалить"),
            "audio_recording.edit",
            icon="trash",
            perform=delete,
            preview=fixed(forecasts.delete_recordings),
            final=True,
            question=lambda count: ngettext(
                "Удалить %(count)s аудиозапись?", "Удалить аудиозаписи: %(count)s?", count, count=number(count)
            ),
            when=lambda row: not row.campaigns_count,
            danger=True,
        ),
    )

    @expose("/new/", methods=("GET", "POST"))
    @requires("audio_recording.edit")
    def new_view(self) -> ResponseReturnValue:
        """Take in a file, or say what is wrong with it."""
        form = UploadForm(CombinedMultiDict([request.files, request.form]) if request.method == "POST" else None)
        if request.method == "POST" and form.validate():
            try:
                return self._added(form)
            except DomainError as problem:
                at_fault = form.name if problem.field == "name" else form.file
                at_fault.errors = [errors.message(problem)]
        page = self.render(
            "cabinet/audio_recordings/new.html",
            form=form,
            crumbs=[{"url": f"{self.url}/", "name": str(self.name)}, {"url": "", "name": _("Новая аудиозапись")}],
        )
        return page, 422 if form.errors else 200

    def _added(self, form: UploadForm) -> ResponseReturnValue:
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise Invalid("audio_recording.no_file", field="file")
        data = audio_recording.read(sent.stream)
        with unit_of_work(current_scope()) as session:
            row = audio_recording.add(
                session,
                data,
                name=form.name.data or "",
                file_name=sent.filename,
                customer_id=current_customer_id() or 0,
                actor=current_actor(),
            )
            message = _("Аудиозапись «%(name)s» загружена. Прослушайте её.", name=row.name)
        flash(message, "success")
        return redirect(f"{self.url}/", 303)


class SupportAudioRecordings(AudioRecordings):
    face = "admin"
    columns = (*_columns("admin")[:2], Column("customer", _l("Клиент"), words.customer_link), *_columns("admin")[2:])
    filters = (*AudioRecordings.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))


allow_upload("cabinet_audio_recordings.new_view", body=BODY_LIMIT, text=TEXT_LIMIT)


def support_views() -> list[ListView]:
    return [SupportAudioRecordings()]


def cabinet_views() -> list[ListView]:
    return [CabinetAudioRecordings()]
