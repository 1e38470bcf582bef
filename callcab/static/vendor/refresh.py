"""Fetch the front-end files again: `python callcab/static/vendor/refresh.py`.

Needs npm. Versions are pinned below; what lands here is committed, so that nothing is fetched from another host at run
time. The style sheet is cut down to what templates, views and scripts name (dropped.txt has the classes that went, and a
test looks for them); run this again after using a class or an icon (icons.txt) that the product did not use before.
"""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

PACKAGES = {
    "@tabler/core": "1.6.1",
    "@tabler/icons": "3.52.0",
    "htmx.org": "2.0.11",
    "htmx-ext-sse": "2.2.4",
    "purgecss": "8.0.0",
}
# file here: (package, path inside it)
FILES = {
    "tabler.min.css": ("@tabler/core", "dist/css/tabler.min.css"),
    "htmx.min.js": ("htmx.org", "dist/htmx.min.js"),
    "htmx-sse.js": ("htmx-ext-sse", "sse.js"),
}
LICENCES = {
    "LICENSE.tabler.txt": ("@tabler/core", "MIT"),
    "LICENSE.tabler-icons.txt": ("@tabler/icons", "MIT"),
    "LICENSE.htmx.txt": ("htmx.org", "0BSD"),
    "LICENSE.htmx-sse.txt": ("htmx-ext-sse", "0BSD"),
}
CONTENT = ("templates/**/*.html", "callcab/**/*.py", "callcab/static/js/*.js")
# What a source names: words with dashes, of Python, Jinja and JavaScript alike. A class put together of two halves is
# not found: name it whole.
WORDS = r"[A-Za-z][\w-]*"


def install(folder: pathlib.Path) -> None:
    """Install the pinned packages into a scratch folder."""
    (folder / "package.json").write_text('{"private": true}')
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not installed")
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *wanted], cwd=folder, check=True)


def purge(folder: pathlib.Path, sheet: pathlib.Path) -> list[str]:
    """Cut the style sheet down to the selectors that the product names; returns the classes that went. Those whose names are words of
    a source, yet never stand alone in the sheet, are not among them."""
    whole = classes(sheet.read_text())
    script = folder / "purge.mjs"
    options = {"content": [str(ROOT / pattern) for pattern in CONTENT], "css": [str(sheet)]}
    script.write_text(
        "import {PurgeCSS} from 'purgecss';import fs from 'fs';"
        f"const options={json.dumps(options)};"
        f"options.defaultExtractor=text=>text.match(/{WORDS}/g)||[];"
        "options.safelist={greedy:[/data-bs-theme/]};options.variables=false;options.keyframes=true;"
        "const [result]=await new PurgeCSS().purge(options);"
        f"fs.writeFileSync({json.dumps(str(sheet))},result.css);"
    )
    subprocess.run(["node", str(script)], cwd=folder, check=True)
    named = {word for pattern in CONTENT for path in ROOT.glob(pattern) for word in re.findall(WORDS, path.read_text())}
    return sorted(whole - classes(sheet.read_text()) - named)


def classes(sheet: str) -> set[str]:
    """All class names of a style sheet."""
    return set(re.findall(r"\.(-?[A-Za-z][\w-]*)", sheet))


def sprite(folder: pathlib.Path) -> str:
    """One SVG file with a symbol per name in icons.txt."""
    symbols = []
    for name in (HERE / "icons.txt").read_text().split():
        source = (folder / "node_modules/@tabler/icons/icons/outline" / f"{name}.svg").read_text()
        body = re.sub(r"<!--.*?-->", "", source, flags=re.S)
        body = body[body.index(">", body.index("<svg")) + 1 : body.rindex("</svg>")]
        body = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", body)
        body = re.sub(r"\s*\n\s*", "", body)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def licence(folder: pathlib.Path, package: str) -> str:
    """The licence text that the package ships."""
    for found in sorted((folder / "node_modules" / package).glob("LICEN[CS]E*")):
        return found.read_text()
    # @tabler/core names its licence in the sheet's head only; the text is the same author's in the icons package.
    head = re.match(
        r"@charset[^;]*;(/\*!.*?\*/)", (folder / "node_modules" / package / "dist/css/tabler.min.css").read_text(), re.S
    )
    if head is None:
        sys.exit(f"{package} ships no licence")
    return head[1] + "\n\n" + licence(folder, "@tabler/icons")


def manifest() -> dict[str, object]:
    """Name, version, licence and checksum of every file here."""
    owners = {"icons.svg": "@tabler/icons"} | {name: package for name, (package, _) in FILES.items()}
    kinds = {package: (text, kind) for text, (package, kind) in LICENCES.items()}
    return {
        name: {
            "package": package,
            "version": PACKAGES[package],
            "licence": kinds[package][1],
            "licence_file": kinds[package][0],
            "sha256": hashlib.sha256((HERE / name).read_bytes()).hexdigest(),
        }
        for name, package in sorted(owners.items())
    }


def main() -> None:
    """Rebuild everything in this folder."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        install(folder)
        for name, (package, path) in FILES.items():
            text = (folder / "node_modules" / package / path).read_text()
            (HERE / name).write_text(re.sub(r"\n?/[/*]# sourceMappingURL=.*", "", text).rstrip() + "\n")
        dropped = purge(folder, HERE / "tabler.min.css")
        (HERE / "dropped.txt").write_text("\n".join(dropped) + "\n")
        (HERE / "icons.svg").write_text(sprite(folder))
        for name, (package, _kind) in LICENCES.items():
            (HERE / name).write_text(licence(folder, package))
    (HERE / "manifest.json").write_text(json.dumps(manifest(), indent=2) + "\n")


if __name__ == "__main__":
    main()
