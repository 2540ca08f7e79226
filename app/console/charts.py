"""Small charts as SVG, made without I/O. No style attributes: the content security policy forbids them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

_SVG = Markup('<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>')
_BAR = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1"><title>{}</title></rect>')
_LINE = Markup('<polyline class="line" points="{}"/><polygon class="area" points="{}"/>')


def spark(values: Sequence[float], label: str) -> Markup:
    """A line over *values*, oldest first."""
    width, height = 120, 28
    top = max([*values, 1])
    step = width / max(len(values) - 1, 1)
    points = [f"{index * step:.1f},{height - 2 - (height - 4) * value / top:.1f}" for index, value in enumerate(values)]
    area = [f"0,{height}", *points, f"{width},{height}"]
    return _SVG.format("spark", width, height, label, _LINE.format(" ".join(points), " ".join(area)))


def bars(columns: Sequence[tuple[str, Mapping[str, float]]], label: str) -> Markup:
    """Stacked bars. Each is a title and the sizes of its parts by CSS class, the bottom part first."""
    height, width, gap = 100.0, 10.0, 2.0
    top = max([sum(parts.values()) for _, parts in columns] + [1])
    drawn = Markup("")
    for index, (title, parts) in enumerate(columns):
        y = height
        if not any(parts.values()):
            drawn += _BAR.format("none", index * (width + gap), height - 1.5, width, 1.5, title)
        for kind, size in parts.items():
            if size:
                tall = max(size / top * (height - 2), 2.0)
                y -= tall
                drawn += _BAR.format(kind, index * (width + gap), f"{y:.2f}", width, f"{tall:.2f}", title)
    return _SVG.format("bars", f"{len(columns) * (width + gap) - gap:.0f}", f"{height:.0f}", label, drawn)
