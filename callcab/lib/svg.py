"""Charts as SVG text, drawn on the server.

Attributes only, no style and no script: they live under a strict content policy. Everything is drawn in
`currentColor`, so a chart follows the theme; `class` names (chart-bar, chart-series-0 …) let a style sheet do better.
Numbers of the data may be Decimal, int or float: pixels are no money.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape
from math import ceil

Number = Decimal | int | float
Format = Callable[[Number], str]

WIDTH = 640
HOURS = tuple(map(str, range(24)))
FONT_SIZE = 11
# Mean width of a letter in parts of the font size.
GLYPH_WIDTH = 0.6
LABEL_HEIGHT = 18
# Series of a stacked bar differ by opacity, readable on a light and a dark ground, and in print.
OPACITIES = (0.9, 0.55, 0.3, 0.15)
_INVALID_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 65534, 65535], "�")


def bars(
    data: Sequence[tuple[str, Number]],
    *,
    label: str,
    width: int = WIDTH,
    height: int = 160,
    value_format: Format = str,
) -> str:
    """Upright bars, one per (name, value); negative values hang below the zero line.

    label   what the chart says, for a screen reader
    """
    names = [name for name, _ in data]
    values = [float(value) for _, value in data]
    top, bottom = max([0.0, *values]), min([0.0, *values])
    plot = height - LABEL_HEIGHT
    unit = plot / ((top - bottom) or 1)
    step = width / (len(data) or 1)
    zero = top * unit
    parts = []
    for index, (name, value) in enumerate(data):
        size = abs(values[index]) * unit
        y = zero - size if values[index] >= 0 else zero
        tip = f"{name}: {value_format(value)}"
        parts.append(_rect(index * step + step * 0.1, y, step * 0.8, size, tip, "chart-bar", 0.8))
    parts.append(_line(0, zero, width, zero))
    parts.extend(_axis_labels(names, step, height))
    return _figure(width, height, label, parts)


def stacked_bar(
    data: Sequence[tuple[str, Number]],
    *,
    label: str,
    width: int = WIDTH,
    height: int = 24,
    value_format: Format = str,
) -> str:
    """One lying bar parted by the shares of (name, value); negative values count as nothing."""
    values = [max(float(value), 0.0) for _, value in data]
    total = sum(values) or 1
    parts = []
    x = 0.0
    for index, (name, value) in enumerate(data):
        size = values[index] / total * width
        if size > 0:
            tip = f"{name}: {value_format(value)} ({values[index] / total:.0%})"
            kind = f"chart-series-{index}"
            parts.append(_rect(x, 0, size, height, tip, kind, OPACITIES[index % len(OPACITIES)]))
        x += size
    return _figure(width, height, label, parts)


def stacked_bars(
    data: Sequence[tuple[str, Sequence[Number]]],
    *,
    series: Sequence[str],
    label: str,
    width: int = WIDTH,
    height: int = 160,
    value_format: Format = str,
) -> str:
    """Upright bars, each parted by ``series``: one (name, values) per bar; negative values count as nothing."""
    plot = height - LABEL_HEIGHT
    rows = [[max(float(value), 0.0) for value in values] for _, values in data]
    unit = plot / (max(map(sum, rows), default=0.0) or 1)
    step = width / (len(data) or 1)
    parts = []
    for place, (name, values) in enumerate(data):
        y = float(plot)
        for index, (kind, value) in enumerate(zip(series, values, strict=True)):
            size = rows[place][index] * unit
            if size > 0:
                y -= size
                tip = f"{name}, {kind}: {value_format(value)}"
                opacity = OPACITIES[index % len(OPACITIES)]
                parts.append(
                    _rect(place * step + step * 0.1, y, step * 0.8, size, tip, f"chart-series-{index}", opacity)
                )
    parts.append(_line(0, plot, width, plot))
    parts.extend(_axis_labels([name for name, _ in data], step, height))
    return _figure(width, height, label, parts)


def lying_bars(
    data: Sequence[tuple[str, Number]], *, label: str, width: int = WIDTH, value_format: Format = str
) -> str:
    """One line per (name, value): its words above a bar; for names too long to stand under an upright bar."""
    line = 34
    largest = max([float(value) for _, value in data], default=0.0) or 1
    parts = []
    for index, (name, value) in enumerate(data):
        y = index * line
        size = max(float(value), 0.0) / largest * width
        parts.append(_text(0, y + 13, name, "start"))
        parts.append(_text(width, y + 13, value_format(value), "end"))
        parts.append(_rect(0, y + 18, size, 10, f"{name}: {value_format(value)}", "chart-bar", 0.8))
    return _figure(width, max(line * len(data), 1), label, parts)


def spark_line(values: Sequence[Number], *, label: str, width: int = 120, height: int = 28) -> str:
    """A small line without axes; a single value is a level line, no values an empty chart."""
    points = [float(value) for value in values]
    if len(points) == 1:
        points *= 2
    parts = []
    if points:
        low, high = min(points), max(points)
        unit = (height - 4) / ((high - low) or 1)
        step = (width - 4) / (len(points) - 1)
        path = " ".join(
            f"{_px(2 + index * step)},{_px(height - 2 - (value - low) * unit)}" for index, value in enumerate(points)
        )
        parts.append(
            f'<polyline class="chart-line" points="{path}" fill="none" stroke="currentColor" '
            'stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>'
        )
    return _figure(width, height, label, parts)


def heat_map(
    rows: Sequence[tuple[str, Sequence[Number]]],
    *,
    label: str,
    columns: Sequence[str] = HOURS,
    width: int = WIDTH,
    value_format: Format = str,
) -> str:
    """A grid of squares, by default weekdays (rows) by hours (columns); the fuller a square, the larger its value."""
    left = 28
    step = (width - left) / (len(columns) or 1)
    size = min(step, 24.0)
    height = round(LABEL_HEIGHT + size * len(rows))
    largest = max([float(value) for _, values in rows for value in values], default=0) or 1
    parts = [
        _text(left + (index + 0.5) * step, FONT_SIZE, name, "middle")
        for index, name in enumerate(columns)
        if index % _stride(columns, step) == 0
    ]
    for row, (name, values) in enumerate(rows):
        y = LABEL_HEIGHT + row * size
        parts.append(_text(0, y + size * 0.7, name, "start"))
        for index, (column, value) in enumerate(zip(columns, values, strict=True)):
            share = max(float(value), 0.0) / largest
            tip = f"{name}, {column}: {value_format(value)}"
            parts.append(
                _rect(left + index * step + 1, y + 1, step - 2, size - 2, tip, "chart-cell", 0.06 + 0.94 * share)
            )
    return _figure(width, height, label, parts)


def _figure(width: int, height: int, label: str, parts: Sequence[str]) -> str:
    name = _escaped(label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="{name}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>{name}</title>{''.join(parts)}</svg>"
    )


def _rect(x: float, y: float, width: float, height: float, tip: str, kind: str, opacity: float) -> str:
    return (
        f'<rect class="{kind}" x="{_px(x)}" y="{_px(y)}" width="{_px(width)}" height="{_px(height)}" '
        f'fill="currentColor" fill-opacity="{_px(opacity)}"><title>{_escaped(tip)}</title></rect>'
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line class="chart-axis" x1="{_px(x1)}" y1="{_px(y1)}" x2="{_px(x2)}" y2="{_px(y2)}" '
        'stroke="currentColor" stroke-opacity="0.4"/>'
    )


def _axis_labels(names: Sequence[str], step: float, height: int) -> list[str]:
    stride = _stride(names, step)
    labels = []
    for index, name in enumerate(names[::stride]):
        # The first and the last label stay within the picture.
        half = len(name) * FONT_SIZE * GLYPH_WIDTH / 2
        x = min(max((index * stride + 0.5) * step, half), max(step * len(names) - half, half))
        labels.append(_text(x, height - 4, name, "middle"))
    return labels


def _stride(names: Sequence[str], step: float) -> int:
    """Every how many places a label may be written so that neighbours do not touch."""
    widest = max(map(len, names), default=0) * FONT_SIZE * GLYPH_WIDTH + FONT_SIZE / 2
    return max(1, ceil(widest / step)) if names else 1


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{_px(x)}" y="{_px(y)}" text-anchor="{anchor}" font-size="{FONT_SIZE}" '
        f'fill="currentColor">{_escaped(text)}</text>'
    )


def _escaped(text: str) -> str:
    return escape(str(text).translate(_INVALID_XML))


def _px(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
