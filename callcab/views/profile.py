"""One's own page: name, language, password, open sessions, second factor, what happened at the door."""

from typing import Any

import segno
from flask import current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import force_locale
from flask_login import current_user
from markupsafe import Markup
from wtforms import Form, PasswordField, SelectField, StringField

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock, totp
from callcab.lib.errors import DomainError
from callcab.models import LoginOutcome, User
from callcab.services import login, password, second_factor, session_record, user
from callcab.web import errors, letters
from callcab.web.access import Page, current_actor, current_scope
from callcab.web.database import db
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.limits import limiter

OUTCOMES = {
    LoginOutcome.SUCCESS: (_l("Вход"), "good"),
    LoginOutcome.WRONG_PASSWORD: (_l("Неверный пароль"), "warn"),
    LoginOutcome.WRONG_CODE: (_l("Неверный код"), "warn"),
    LoginOutcome.BLOCKED: (_l("Клиент заблокирован"), "bad"),
    LoginOutcome.STRANGER_ADDRESS: (_l("Верный пароль с незнакомого адреса"), "bad"),
    LoginOutcome.THROTTLED: (_l("Слишком много попыток"), "bad"),
    LoginOutcome.LOGOUT: (_l("Выход"), ""),
    LoginOutcome.PASSWORD_CHANGED: (_l("Пароль изменён"), "good"),
    LoginOutcome.PASSWORD_RESET_ASKED: (_l("Запрошен новый пароль"), "warn"),
}
THEMES = ("", "light", "dark")
A_YEAR = 31_536_000


class PersonForm(Form):
    name = StringField(_l("Имя"), render_kw={"required": True, "maxlength": user.NAME_LIMIT, "autocomplete": "name"})
    language = SelectField(_l("Язык"), choices=[("ru", "Русский"), ("en", "English")])
    theme = SelectField(
        _l("Оформление"), choices=[("", _l("Как в системе")), ("light", _l("Светлое")), ("dark", _l("Тёмное"))]
    )


class PasswordForm(Form):
    old = PasswordField(_l("Текущий пароль"), render_kw={"required": True, "autocomplete": "current-password"})
    password = PasswordField(
        _l("Новый пароль"),
        description=_l("Не короче 10 знаков."),
        render_kw={"required": True, "autocomplete": "new-password"},
    )
    repeat = PasswordField(_l("Ещё раз"), render_kw={"required": True, "autocomplete": "new-password"})


class CodeForm(Form):
    code = StringField(
        _l("Код из приложения"),
        render_kw={"required": True, "inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": 7},
    )


class SwitchOffForm(Form):
    secret = PasswordField(_l("Пароль"), render_kw={"required": True, "autocomplete": "current-password"})


class Profile(Page):
    """The same page on both sides."""

    permission = "profile.edit"
    menu_hidden = True

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self.page()

    @expose("/person/", methods=("POST",))
    def person(self) -> ResponseReturnValue:
        """Name, language and colours."""
        form = PersonForm(request.form)
        try:
            with unit_of_work(current_scope()) as session:
                user.update_profile(
                    session,
                    user_id=current_user.id,
                    name=_plain(form.name.data),
                    language=form.language.data or "",
                    actor=current_actor(),
                )
        except DomainError as problem:
            return self.refused(person_form=form, field=problem.field, problem=problem)
        with force_locale(form.language.data or "ru"):
            answer = self.done(_("Сохранено."))
        chosen = form.theme.data if form.theme.data in THEMES else ""
        if chosen:
            secure = current_app.config["SESSION_COOKIE_SECURE"]
            answer.set_cookie("theme", chosen, max_age=A_YEAR, samesite="Lax", secure=secure)
        else:
            answer.delete_cookie("theme")
        return answer

    @expose("/password/", methods=("POST",))
    def change_password(self) -> ResponseReturnValue:
        """A new password; the old one is asked, other sessions end (AC-22, AC-23)."""
        _slow_guessing()
        form = PasswordForm(request.form)
        if form.password.data != form.repeat.data:
            form.repeat.errors = [_("Пароли не совпадают.")]
            return self.page(422, password_form=form)
        try:
            with unit_of_work(current_scope()) as session:
                password.change(
                    session,
                    user_id=current_user.id,
                    old=form.old.data or "",
                    new=form.password.data or "",
                    keep_session=current_user.session_id,
                    actor=current_actor(),
                )
                self._tell_by_mail(session)
        except DomainError as problem:
            return self.refused(password_form=form, field=problem.field, problem=problem)
        return self.done(_("Пароль изменён, остальные сеансы завершены."))

    @expose("/session/end/", methods=("POST",))
    def end_session(self) -> ResponseReturnValue:
        """End one session, or all others."""
        which = request.form.get("id", "")
        try:
            with unit_of_work(current_scope()) as session:
                if which == "others":
                    session_record.revoke_all(session, user_id=current_user.id, keep=current_user.session_id)
                else:
                    session_record.revoke(
                        session, session_id=_number(which), user_id=current_user.id, actor=current_actor()
                    )
        except DomainError as problem:
            errors.flash_error(problem)
            return redirect(f"{self.url}/", 303)
        return self.done(_("Сеанс завершён."))

    @expose("/totp/start/", methods=("POST",))
    def start_second_factor(self) -> ResponseReturnValue:
        """Make the secret, then show it."""
        try:
            with unit_of_work(current_scope()) as session:
                second_factor.offer(session, user_id=current_user.id)
        except DomainError as problem:
            errors.flash_error(problem)
            return redirect(f"{self.url}/", 303)
        return redirect(f"{self.url}/totp/", 303)

    @expose("/totp/", methods=("GET", "POST"))
    def second_factor(self) -> ResponseReturnValue:
        """Set up the second factor: QR code, then the first code typed back."""
        person = db.session.get_one(User, current_user.id)
        if person.totp_secret is None or second_factor.is_on(person):
            return redirect(f"{self.url}/", 303)
        form = CodeForm(request.form)
        if request.method == "GET":
            return self.totp_page(form, person.totp_secret)
        try:
            with unit_of_work(current_scope()) as session:
                second_factor.enrol(
                    session,
                    user_id=current_user.id,
                    code=form.code.data or "",
                    keep_session=current_user.session_id,
                    actor=current_actor(),
                )
        except DomainError as problem:
            form.code.errors = [errors.message(problem)]
            return self.totp_page(form, person.totp_secret), 422
        return self.done(_("Вход по коду включён."))

    @expose("/totp/off/", methods=("POST",))
    def switch_off(self) -> ResponseReturnValue:
        """Switch the second factor off, with the password."""
        _slow_guessing()
        form = SwitchOffForm(request.form)
        try:
            with unit_of_work(current_scope()) as session:
                second_factor.switch_off(
                    session, user_id=current_user.id, secret=form.secret.data or "", actor=current_actor()
                )
        except DomainError as problem:
            form.secret.errors = [errors.message(problem)]
            return self.page(422, off_form=form)
        return self.done(_("Вход по коду выключен."))

    def totp_page(self, form: CodeForm, secret: str) -> str:
        code = segno.make(totp.uri(secret, current_user.email, "callcab"), micro=False)
        picture = code.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=False)
        return self.render(
            "cabinet/profile/totp.html",
            form=form,
            secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            picture=Markup(picture),  # noqa: S704 - drawn by us
            crumbs=[{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Вход по коду")}],
        )

    def refused(self, *, field: str | None, problem: DomainError, **forms: Form) -> ResponseReturnValue:
        """The page again, with the sentence at the field at fault."""
        form = next(iter(forms.values()))
        names = list(form._fields)
        form[field if field in names else names[0]].errors = [errors.message(problem)]
        return self.page(422, **forms)

    def page(self, status: int = 200, **forms: Form) -> ResponseReturnValue:
        """The profile; ``forms`` replace the fresh ones when they came back with errors."""
        db.session().refresh_view()
        person = db.session.get_one(User, current_user.id)
        context: dict[str, Any] = {
            "person_form": PersonForm(
                data={"name": person.name, "language": person.language, "theme": request.cookies.get("theme", "")}
            ),
            "password_form": PasswordForm(),
            "off_form": SwitchOffForm(),
            **forms,
        }
        body = self.render(
            "cabinet/profile/index.html",
            person=person,
            factor_on=second_factor.is_on(person),
            factor_required=_required(),
            sessions=session_record.live(db.session(), user_id=person.id),
            history=login.history(db.session(), user_id=person.id),
            outcomes=OUTCOMES,
            crumbs=[],
            **context,
        )
        return body, status

    def done(self, text: str) -> Any:
        flash(text, "success")
        return redirect(f"{self.url}/", 303)

    def _tell_by_mail(self, session: CabSession) -> None:
        letters.post(
            session,
            "password_changed",
            recipient=current_user.email,
            language=current_user.language,
            customer_id=current_user.customer_id,
            at=clock.now(),
            address=current_actor().address,
        )


def _slow_guessing() -> None:
    """Whoever found an open browser gets few guesses at the password (AC-40)."""
    with limiter.limit("20 per hour", key_func=lambda: f"person:{current_user.id}"):
        pass


def _required() -> bool:
    return bool(current_user.is_staff and current_app.config["SETTINGS"].staff_totp == "required")


def _plain(text: str | None) -> str:
    return (text or "").replace("\x00", "")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def support_views() -> list[Page]:
    return [Profile(name=_l("Профиль и безопасность"), url="profile", endpoint="admin_profile")]


def cabinet_views() -> list[Page]:
    return [Profile(name=_l("Профиль и безопасность"), url="profile", endpoint="cabinet_profile")]
