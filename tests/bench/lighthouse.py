"""What a first visit looks like to a telephone and to a desk: ./run bench --lighthouse [RUNS]

Lighthouse, fetched by npm into the user's cache, looks at pages of the demo with empty caches, at a simulated slow
network for the telephone; of RUNS looks (three) the middle one counts. Needs node, npm and a Chromium with windows.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from http.cookiejar import CookieJar
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lxml import html

from tests.bench import table
from tests.bench.npm import program
from tests.bench.table import Row
from tests.site import Site, running

VERSION = "12.8.2"
TRIES = 3
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
LOOKS = (
    ("list", "lead", "/admin/numbers/"),
    ("details", "lead", "/admin/clients/details/?id=1"),
    ("form", "owner", "/cabinet/invoices/compose/"),
    ("home of support", "lead", "/admin/"),
    ("home of a customer", "owner", "/cabinet/"),
)
PERFORMANCE = {"mobile": 95, "desktop": 98}
LCP_MS, CLS, PACKED_KB, REQUESTS, SCRIPT_KB = 2000, 0.02, 150, 12, 80
GOAL = f"100 and 100, LCP ≤ {LCP_MS / 1000:g} s, CLS ≤ {CLS}, ≤ {PACKED_KB} KB, ≤ {REQUESTS} requests"


def cookie(site: Site, who: str) -> str:
    """The header of a demo login, signed in through the form."""
    jar = CookieJar()
    client = build_opener(HTTPCookieProcessor(jar))
    with client.open(f"{site.url}/login") as page:
        token = html.fromstring(page.read()).xpath("string(//input[@name='csrf_token']/@value)")
    known = {"csrf_token": token, "email": f"{who}@demo.callcab", "password": site.password}
    with client.open(f"{site.url}/login", urlencode(known).encode()) as page:
        if page.url.endswith("/login"):
            raise SystemExit(f"{who} was not let in")
    return "; ".join(f"{held.name}={held.value}" for held in jar)


def look(url: str, header: str, device: str) -> dict[str, Any]:
    """One report of Lighthouse, which now and then loses its browser: then it is asked again."""
    flags = ["--quiet", "--output=json", "--output-path=stdout", "--chrome-flags=--headless=new --no-sandbox"]
    flags += [
        f"--extra-headers={json.dumps({'Cookie': header})}",
        "--only-categories=performance,accessibility,best-practices",
    ]
    flags += ["--preset=desktop"] if device == "desktop" else []
    chromium = next((found for name in CHROMIUMS if (found := shutil.which(name))), "")
    command = [str(program("lighthouse", VERSION)), url, *flags]
    for _ in range(TRIES):
        answer = subprocess.run(command, capture_output=True, check=False, env=os.environ | {"CHROME_PATH": chromium})
        if not answer.returncode:
            report: dict[str, Any] = json.loads(answer.stdout)
            return report
    raise SystemExit(f"Lighthouse failed at {url}: {answer.stderr.decode(errors='replace')[-2000:]}")


def figures(report: dict[str, Any]) -> list[float]:
    """Performance, accessibility, best practices, LCP in ms, CLS, KB, requests, KB of scripts."""
    audits = report["audits"]
    fetched = [item for item in audits["network-requests"]["details"]["items"] if item["url"].startswith("http")]
    scripts = sum(item["transferSize"] for item in fetched if item["resourceType"] == "Script")
    return [
        *(100 * report["categories"][name]["score"] for name in ("performance", "accessibility", "best-practices")),
        audits["largest-contentful-paint"]["numericValue"],
        audits["cumulative-layout-shift"]["numericValue"],
        sum(item["transferSize"] for item in fetched) / 1024,
        len(fetched),
        scripts / 1024,
    ]


def row(name: str, device: str, found: list[float]) -> Row:
    speed, access, practice, lcp, shift, packed, requests, scripts = found
    ok = speed >= PERFORMANCE[device] and access == practice == 100 and lcp <= LCP_MS and shift <= CLS
    ok = ok and packed <= PACKED_KB and requests <= REQUESTS and scripts <= SCRIPT_KB
    ours = f"{speed:.0f}; {access:.0f} and {practice:.0f}; LCP {lcp / 1000:.1f} s, CLS {shift:.3f}; {packed:.0f} KB"
    ours += f" in {requests:.0f} requests, scripts {scripts:.0f}"
    return Row(f"{name}, {device}", ours, goal=f"≥ {PERFORMANCE[device]}; {GOAL}, scripts ≤ {SCRIPT_KB}", ok=ok)


def main(runs: int) -> None:
    program("lighthouse", VERSION)
    rows = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as site:
        headers = {who: cookie(site, who) for _name, who, _path in LOOKS}
        for name, who, path in LOOKS:
            for device in PERFORMANCE:
                seen = [figures(look(site.url + path, headers[who], device)) for _ in range(runs)]
                rows.append(row(name, device, [median(column) for column in zip(*seen, strict=True)]))
                print("  ".join(rows[-1].cells), flush=True)
    print(f"\n{table.verdict(rows)}\n\n{table.markdown(rows, table.machine())}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
