"""A person's browser without scripts: fetches pages over the real WSGI stack, checks each, fills in their forms."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from flask import Flask
from lxml import html
from werkzeug.test import TestResponse

INVISIBLE = ("hidden", "submit", "button", "image", "reset")


@dataclass
class Page:
    """An answer: status, text, and for HTML its tree."""

    url: str
    response: TestResponse
    browser: "Browser"

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def body(self) -> str:
        return self.response.get_data(as_text=True)

    @property
    def is_html(self) -> bool:
        return self.response.mimetype == "text/html" and bool(self.body.strip())

    @property
    def tree(self) -> Any:
        return html.fromstring(self.body)

    @property
    def text(self) -> str:
        """Visible text with single spaces; no-break spaces become plain ones."""
        tree = self.tree
        for node in tree.xpath("//script|//style|//template"):
            node.drop_tree()
        return " ".join(tree.text_content().replace("\u00a0", " ").split())

    @property
    def title(self) -> str:
        return " ".join(self.tree.xpath("string(//h1)").split())

    @property
    def alerts(self) -> str:
        """Text of the messages on the page."""
        return " ".join(" ".join(node.itertext()) for node in self.tree.xpath("//*[@role='alert' or @role='status']"))

    def rows(self) -> list[list[str]]:
        """Cells of the first table's body."""
        found = self.tree.xpath("(//table)[1]/tbody/tr")
        return [[" ".join(cell.text_content().replace("\u00a0", " ").split()) for cell in row] for row in found]

    def form(self, **wanted: str) -> "FormOnPage":
        """The first form with these attributes, that holds the field ``has="name"``, or goes ``to="/address…"``."""
        has, to = wanted.pop("has", None), wanted.pop("to", "")
        for form in self.tree.forms:
            same = all((form.get(key) or "") == value for key, value in wanted.items())
            if same and (has is None or has in form.fields) and (form.get("action") or "").startswith(to):
                return FormOnPage(self, form)
        raise AssertionError(f"no form with {wanted or has or to} on {self.url}")

    def link(self, text: str) -> str:
        """Address of the first link with this text."""
        for node in self.tree.xpath("//a[@href]"):
            if text in " ".join(node.text_content().replace("\u00a0", " ").split()):
                return str(node.get("href"))
        raise AssertionError(f"no link «{text}» on {self.url}")


@dataclass
class FormOnPage:
    """A form as it was drawn, hidden fields and token included."""

    page: Page
    element: Any

    @property
    def values(self) -> dict[str, Any]:
        return {key: value for key, value in self.element.form_values() if key != "submit"}

    def submit(self, *, status: int | None = None, follow: bool = True, **values: Any) -> Page:
        """Send it with the given fields changed."""
        target = urljoin(self.page.url, self.element.get("action") or "")
        multi: dict[str, Any] = {}
        for key, value in self.element.form_values():
            multi.setdefault(key, []).append(value)
        multi.update(values)
        browser = self.page.browser
        if (self.element.get("method") or "get").lower() == "get":
            return browser.get(target, query=multi, status=status)
        return browser.send(target, multi, status=status, follow=follow)


class Browser:
    """One person's cookies. ``get`` and ``send`` check every page they see."""

    def __init__(self, app: Flask, *, address: str = "127.0.0.1", agent: str = "tests") -> None:
        self.client = app.test_client()
        self.environ = {"REMOTE_ADDR": address}
        # A followed redirect drops overrides; the base stays.
        self.client.environ_base["REMOTE_ADDR"] = address
        self.headers = {"User-Agent": agent}

    def get(
        self, url: str, *, query: Any = None, status: int | None = 200, follow: bool = True, **headers: str
    ) -> Page:
        response = self.client.get(
            url,
            query_string=query,
            follow_redirects=follow,
            buffered=True,
            environ_overrides=self.environ,
            headers={**self.headers, **headers},
        )
        return self._checked(url, response, status)

    def send(self, url: str, data: Any, *, status: int | None = None, follow: bool = True, **headers: str) -> Page:
        response = self.client.post(
            url,
            data=data,
            follow_redirects=follow,
            buffered=True,
            environ_overrides=self.environ,
            headers={**self.headers, **headers},
        )
        return self._checked(url, response, status)

    def post(self, url: str, *, status: int | None = None, follow: bool = True, **values: Any) -> Page:
        """Send fields with this session's token, as a script or a forger with a token would."""
        return self.send(url, {**values, "csrf_token": self.token()}, status=status, follow=follow)

    def token(self) -> str:
        """A valid CSRF token of this session, read from whatever page the person can open."""
        page = Page("/", self.client.get("/", follow_redirects=True, environ_overrides=self.environ), self)
        return str(page.tree.xpath("string((//input[@name='csrf_token'])[1]/@value)"))

    def sign_in(self, email: str, password: str, *, status: int | None = 200) -> Page:
        return self.get("/login").form(has="password").submit(email=email, password=password, status=status)

    def _checked(self, url: str, response: TestResponse, status: int | None) -> Page:
        page = Page(response.request.path if response.request else url, response, self)
        if status is not None:
            assert page.status == status, f"{url}: {page.status}, wanted {status}\n{page.body[:2000]}"
        if page.is_html and "<html" in page.body:
            check_page(page)
        return page


def check_page(page: Page) -> None:
    """What every page of ours keeps: a title, one h1, unique ids, labelled fields, no inline script or style."""
    tree, where = page.tree, page.url
    assert tree.xpath("string(//title)").strip(), f"{where}: no title"
    assert len(tree.xpath("//h1")) == 1, f"{where}: {len(tree.xpath('//h1'))} h1 headings"
    repeated = [name for name, count in Counter(tree.xpath("//*/@id")).items() if count > 1]
    assert not repeated, f"{where}: repeated ids {repeated}"
    assert not tree.xpath("//*[@style]"), f"{where}: inline style"
    assert not tree.xpath("//script[not(@src)]"), f"{where}: inline script"
    handlers = tree.xpath("//@*[starts-with(name(), 'on')]")
    assert not handlers, f"{where}: inline handlers {handlers}"
    assert not tree.xpath("//a[starts-with(@href, 'javascript:')]"), f"{where}: javascript link"
    for form in tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
        assert form.xpath(".//input[@name='csrf_token' and string(@value)]"), f"{where}: a form without a token"
    labelled = set(tree.xpath("//label/@for"))
    for field in tree.xpath("//input|//select|//textarea"):
        if field.get("type") in INVISIBLE or field.get("aria-label") or field.get("aria-labelledby"):
            continue
        known = field.get("id") in labelled or field.xpath("ancestor::label")
        assert known, f"{where}: the field {field.get('name')} has no label"
    text = page.text
    assert "None" not in text.split(), f"{where}: the word None"
