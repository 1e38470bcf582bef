"""Whether pages are valid HTML: ./run bench --markup

html-validate, fetched by npm, reads every section of the demo as support and as a customer see it, the first record of
each with its tabs, and the forms. Its standard rules, none switched off. Needs node and npm.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lxml import html

from tests.bench.lighthouse import cookie
from tests.bench.npm import program
from tests.site import Site, running

VERSION = "10.17.0"
RULES = '{"root": true, "extends": ["html-validate:standard"]}'
# What leads further from a section; files and sounds do not.
FURTHER = re.compile(r"/(details|edit|new|compose|conditions|cell|export|rent|check)/")
FACES = (("lead", "/admin/"), ("owner", "/cabinet/"))


def links(page: str, start: str) -> list[str]:
    """Addresses of the page within the same face, each kind once."""
    kinds: dict[str, str] = {}
    for url in html.fromstring(page).xpath("//a/@href"):
        if url.startswith(start) and "sound" not in url:
            kinds.setdefault(re.sub(r"=[^&]*", "=", url) if "tab=" not in url else re.sub(r"id=\d+", "", url), url)
    return list(kinds.values())


def pages(site: Site, who: str, start: str) -> Iterator[tuple[str, str]]:
    """Addresses and texts: the home, what its menu leads to, and what those lead to."""
    header = {"Cookie": cookie(site, who)}

    def read(path: str) -> str:
        with urlopen(Request(site.url + path, headers=header)) as answer:
            return str(answer.read().decode()) if answer.headers.get_content_type() == "text/html" else ""

    waiting, seen = [start], {start}
    while waiting:
        path = waiting.pop(0)
        text = read(path)
        if not text:
            continue
        yield path, text
        found = [url for url in links(text, start) if path == start or FURTHER.search(url)]
        waiting += [url for url in found if url not in seen and len(url) < 300]
        seen.update(found)


def main() -> int:
    validate = program("html-validate", VERSION)
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as data, running(Path(data)) as site:
        folder, count = Path(name), 0
        (folder / ".htmlvalidate.json").write_text(RULES)
        for who, start in FACES:
            for path, text in pages(site, who, start):
                (folder / (re.sub(r"\W+", "_", path)[:150] + ".html")).write_text(text)
                count += 1
        print(f"{count} pages", flush=True)
        return subprocess.run([str(validate), str(folder)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
