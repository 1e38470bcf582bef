"""Pages for people who are not signed in: log-in, second step, forgotten password, invitation; and log-out."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import EmailField, Form, HiddenField, PasswordField, StringField

from callcab import config
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.lib import clock, tokens
from callcab.lib.errors import DomainError, NotFound
from callcab.models import LoginOutcome, User
from callcab.services import login, password
from callcab.web import auth, errors, letters, limits
from callcab.web.access import home_of_user
from callcab.web.auth import SIGN_IN
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.limits import limiter

blueprint = Blueprint("login", __name__)

SECOND_STEP = "second_step"
SECOND_STEP_LIFE = timedelta(minutes=5)
FAILURES = frozenset({401, 403, 429})


class SignInForm(Form):
    email = EmailField(_l("Email"), render_kw={"autocomplete": "username", "required": True, "autofocus": True})
    password = PasswordField(_l("Пароль"), render_kw={"autocomplete": "current-password", "required": True})
    next = HiddenField()


class CodeForm(Form):
    code = StringField(
        _l("Код из приложения"),
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "required": True, "autofocus": True},
    )


class ForgotForm(Form):
    email = EmailField(_l("Email"), render_kw={"autocomplete": "username", "required": True, "autofocus": True})


class NewPasswordForm(Form):
    password = PasswordField(
        _l("Новый пароль"),
        description=_l("Не короче 10 знаков."),
        render_kw={"autocomplete": "new-password", "required": True, "autofocus": True},
    )
    repeat = PasswordField(_l("Ещё раз"), render_kw={"autocomplete": "new-password", "required": True})


def only_failures(response: Response) -> bool:
    """A whole office behind one address may sign in in the morning; only failures count."""
    return response.status_code in FAILURES


@blueprint.route("/login", methods=["GET", "POST"], endpoint="sign_in")
@limiter.limit("60 per 5 minutes", methods=["POST"], deduct_when=only_failures)
def sign_in() -> ResponseReturnValue:
    """E-mail and password. The same words for an unknown person and a wrong password (AC-21)."""
    if request.method == "GET":
        if current_user.is_authenticated:
            return home_of_user()
        return _login_page(SignInForm(data={"next": auth.local_path(request.args.get("next")) or ""}))
    form = SignInForm(request.form)
    email, secret = form.email.data or "", form.password.data or ""
    with unit_of_work(SIGN_IN) as work:
        result = login.sign_in(work, email=_plain(email), secret=secret, visitor=_visitor(), hours=_hours())
        _warn_owner(work, result)
    if result.outcome is None and result.user is not None:
        return _to_second_step(result.user, form.next.data)
    return _answer(result, form.next.data, form, "login/sign_in.html", _("Неверный email или пароль."))


@blueprint.route("/login/code", methods=["GET", "POST"], endpoint="second_step")
@limiter.limit("60 per 5 minutes", methods=["POST"], deduct_when=only_failures)
def second_step() -> ResponseReturnValue:
    """The code of the app, within five minutes after the right password."""
    waiting = _waiting()
    if waiting is None:
        return redirect(url_for("login.sign_in"))
    if request.method == "GET":
        return render_template("login/code.html", form=CodeForm())
    user_id, mark, onward = waiting
    form = CodeForm(request.form)
    with unit_of_work(SIGN_IN) as work:
        result = login.confirm(
            work, user_id=user_id, mark=mark, code=form.code.data or "", visitor=_visitor(), hours=_hours()
        )
        _warn_owner(work, result)
    if result.outcome == LoginOutcome.WRONG_PASSWORD:
        session.pop(SECOND_STEP, None)
        return redirect(url_for("login.sign_in"), 303)
    return _answer(result, onward, form, "login/code.html", _("Код не подошёл. Дождитесь следующего и повторите."))


@blueprint.post("/logout", endpoint="sign_out")
def sign_out() -> ResponseReturnValue:
    """End the session on the server, then in the browser; pages kept by the browser are dropped too (AC-46)."""
    if current_user.is_authenticated and current_user.session_id is not None:
        with unit_of_work(SIGN_IN) as work:
            login.sign_out(
                work,
                session_id=current_user.session_id,
                user_id=current_user.id,
                email=current_user.email,
                visitor=_visitor(),
            )
    auth.end()
    answer = redirect(url_for("login.sign_in"), 303)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@blueprint.route("/password/forgot", methods=["GET", "POST"], endpoint="forgot")
@limiter.limit("20 per hour", methods=["POST"])
def forgot() -> ResponseReturnValue:
    """Ask for a letter with a link; the answer never tells whether somebody has this e-mail."""
    form = ForgotForm(request.form)
    if request.method == "GET":
        return render_template("login/forgot.html", form=form, sent=False)
    with unit_of_work(SIGN_IN) as work:
        user = login.ask_reset(work, email=_plain(form.email.data or ""), visitor=_visitor())
        if user is not None:
            link = url_for("login.reset", token=password.sign_link(_key(), user))
            letters.post(
                work,
                "password_reset",
                recipient=user.email,
                language=user.language,
                customer_id=user.customer_id,
                link=link,
                secret=True,
            )
    return render_template("login/forgot.html", form=form, sent=True)


@blueprint.route("/password/reset/<token>", methods=["GET", "POST"], endpoint="reset")
@limiter.limit("60 per hour")
def reset(token: str) -> ResponseReturnValue:
    """A new password by the link of a letter."""
    return _by_link(token, password.RESET_PURPOSE, _("Новый пароль"))


@blueprint.route("/invite/<token>", methods=["GET", "POST"], endpoint="invite")
@limiter.limit("60 per hour")
def invite(token: str) -> ResponseReturnValue:
    """The first password of an invited person."""
    return _by_link(token, password.INVITE_PURPOSE, _("Добро пожаловать"))


def _by_link(token: str, purpose: str, title: str) -> ResponseReturnValue:
    form = NewPasswordForm(request.form)
    try:
        if request.method == "GET":
            with unit_of_work(SIGN_IN) as work:
                user = password.read_link(work, key=_key(), token=token, purpose=purpose)
            return render_template("login/new_password.html", form=form, title=title, email=user.email)
        if form.password.data != form.repeat.data:
            form.repeat.errors = [_("Пароли не совпадают.")]
        else:
            _set_password(token, purpose, form.password.data or "")
            return render_template("login/password_set.html")
    except NotFound:
        return render_template("login/link_dead.html"), 404
    except DomainError as problem:
        form.password.errors = [errors.message(problem)]
    return render_template("login/new_password.html", form=form, title=title, email=""), 422


def _set_password(token: str, purpose: str, new: str) -> None:
    with unit_of_work(SIGN_IN) as work:
        visitor = _visitor()
        user = password.reset(
            work,
            key=_key(),
            token=token,
            new=new,
            address=visitor.address,
            agent=visitor.agent,
            purpose=purpose,
        )
        if purpose == password.RESET_PURPOSE:
            letters.post(
                work,
                "password_changed",
                recipient=user.email,
                language=user.language,
                customer_id=user.customer_id,
                at=clock.now(),
                address=visitor.address,
            )
    auth.end()


def _answer(result: login.Result, onward: str | None, form: Form, template: str, wrong: str) -> ResponseReturnValue:
    """The page after a try."""
    if result.outcome == LoginOutcome.SUCCESS:
        auth.begin(result.token)
        return redirect(auth.local_path(onward) or "/", 303)
    if result.outcome == LoginOutcome.STRANGER_ADDRESS:
        return errors.answer(403, "ip.refused", _("Доступ запрещен"), {})
    if result.outcome == LoginOutcome.THROTTLED and result.retry_at is not None:
        return limits.too_many((result.retry_at - clock.now()).total_seconds())
    if result.outcome == LoginOutcome.BLOCKED:
        problem = _("Клиент заблокирован: %(reason)s. Обратитесь в поддержку.", reason=result.reason)
        return _page(template, form, problem), 403
    return _page(template, form, wrong), 401


def _login_page(form: SignInForm) -> str:
    return _page("login/sign_in.html", form, "")


def _page(template: str, form: Form, problem: str) -> str:
    return render_template(template, form=form, problem=problem)


def _to_second_step(user: User, onward: str | None) -> Response:
    """Remember, sealed and for five minutes, whose password was right; nobody is signed in yet."""
    payload = f"{user.id}:{password.fingerprint(user)}:{auth.local_path(onward) or ''}"
    session.clear()
    session[SECOND_STEP] = tokens.sign(_key(), SECOND_STEP, payload)
    return redirect(url_for("login.second_step"), 303)  # type: ignore[return-value]


def _waiting() -> tuple[int, str, str] | None:
    try:
        text = tokens.unsign(_key(), SECOND_STEP, session.get(SECOND_STEP, ""), SECOND_STEP_LIFE)
    except tokens.TokenError:
        return None
    user_id, mark, onward = text.split(":", 2)
    return int(user_id), mark, onward


def _warn_owner(work: Any, result: login.Result) -> None:
    """The letter about a right password from a stranger address (rule I6)."""
    if result.letter_to is None or result.user is None:
        return
    recipient, language = result.letter_to
    visitor = _visitor()
    letters.post(
        work,
        "stranger_address",
        recipient=recipient,
        language=language,
        customer_id=result.user.customer_id,
        at=clock.now(),
        login=result.user.email,
        address=visitor.address,
        agent=visitor.agent[:120],
    )


def _visitor() -> login.Visitor:
    agent = "".join(letter for letter in request.user_agent.string if letter.isprintable())
    return login.Visitor(g.get("client_address", ""), agent)


def _plain(text: str) -> str:
    """A typed e-mail without what a database can't hold."""
    return text.replace("\x00", "").strip()[:320]


def _hours() -> int:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.session_hours


def _key() -> str:
    settings: Settings = current_app.config["SETTINGS"]
    return config.secret_key(settings)
