"""Charts as SVG that is read on light and dark ground, by matplotlib. Same data, same bytes.

matplotlib takes half a second to load: import this module where something is drawn.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from schemas.vocabulary import Naming
from services.district.report_kit.parts import Chart, Language

INK: Final = "#7b8794"
"""Of axes and their words: enough contrast on white and on near black."""
BLUE: Final = "#3d8bd4"
RED: Final = "#e0533d"
GREEN: Final = "#2f9e68"
AMBER: Final = "#d68a1c"
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "jianghan-district",
    "font.family": "sans-serif",
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
}
_FONTS: Final = (
    'system-ui,"Noto Sans CJK SC","Noto Sans SC","Microsoft YaHei","PingFang SC","WenQuanYi Micro Hei",sans-serif'
)


def chart(
    draw: Callable[[Any, Callable[[Naming], str]], None],
    *,
    about: Naming,
    width: float = 10.0,
    height: float = 3.0,
    only: Language | None = None,
) -> Chart:
    """Draw it once for each language.

    Args:
        draw: Gets the axes, and a function that gives words in the language that is drawn.
        about: What it shows, for those who cannot see it.
        width: Inches.
        height: Inches.
        only: For what is shown in this language alone: then the drawing stands for both.
    """
    size = (width, height)
    drawn = {
        language: _svg(draw, say, say(about), size) for language, say in _TELLERS.items() if only in {None, language}
    }
    return Chart(drawn.get("zh", drawn.get("en", Markup())), drawn.get("en", drawn.get("zh", Markup())))


_TELLERS: Final[dict[Language, Callable[[Naming], str]]] = {"zh": lambda words: words.zh, "en": lambda words: words.en}


def _svg(
    draw: Callable[[Any, Callable[[Naming], str]], None],
    say: Callable[[Naming], str],
    about: str,
    size: tuple[float, float],
) -> Markup:
    with _styled():
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots(), say)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    svg = text[text.index("<svg") :]
    svg = re.sub(r"font: ([^;\"]*?)(\d+(?:\.\d+)?px)[^;\"]*", rf"font: \1\2 {escape(_FONTS)}", svg)
    head, rest = svg.split(">", 1)
    return Markup(f'{head} role="img" aria-label="{escape(about)}"><title>{escape(about)}</title>{rest}')  # noqa: S704 - matplotlib's own; its texts are escaped there


@contextmanager
def _styled() -> Iterator[None]:
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # Naming stay text, and the reader's fonts have the glyphs that matplotlib's own lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
