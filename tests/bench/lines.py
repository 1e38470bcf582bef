"""Files of numbers as people write them."""

# The numbers of an import, without the country's code: every seventh from here on.
FIRST = 9_250_000_000


def spelled(count: int, first: int = FIRST) -> bytes:
    """So many lines as people write them: four spellings, some repeats, some that are no numbers."""
    lines = []
    for number in range(count):
        if number % 100 == 50:
            lines.append("не номер")
            continue
        digits = str(first + (number - number % 50 if number % 50 == 1 else number) * 7)
        lines.append(
            (
                f"7{digits}",
                f"8{digits}",
                f"+7 ({digits[:3]}) {digits[3:6]}-{digits[6:8]}-{digits[8:]}",
                f"+7{digits}",
            )[number % 4]
        )
    return "\r\n".join(lines).encode()
