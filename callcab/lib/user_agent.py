"""What a browser calls itself, in the two words that people need."""

# The first that is found wins: Edge and Opera also say Chrome, Chrome also says Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
LONGEST = 40


def short_name(agent: str) -> str:
    """`Chrome, Linux` of a User-Agent header; a program is shown by its own first word (`curl/8.5.0`)."""
    text = "".join(letter for letter in agent if letter.isprintable()).strip()
    browser = next((name for sign, name in BROWSERS if sign in text), "")
    if not browser:
        return text.split(" ", 1)[0][:LONGEST]
    system = next((name for sign, name in SYSTEMS if sign in text), "")
    return f"{browser}, {system}" if system else browser
