"""Layers of a map: dots and names at places with longitude and latitude (WGS-84). Pure."""

from __future__ import annotations

from math import cos, log2, radians
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models import common as cm

Style: TypeAlias = dict[str, Any]
"""As Grafana's layer of markers has it."""
CENTRE: Final = (30.6054, 114.2612)
"""Latitude and longitude of the district's middle, WGS-84."""
DISTRICT_METRES: Final = 8_900.0
"""From south to north, with a margin."""
_ROW_PIXELS: Final = 38
_FRAME_PIXELS: Final = 50
"""What a panel's title and edges take of its height."""
_METRES_A_PIXEL: Final = 156_543.034 * cos(radians(CENTRE[0]))
"""At zoom 0 of web maps, on this latitude."""
_CIRCLE: Final = {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"}


def zoom_of(rows: int) -> float:
    """The zoom at which a panel of so many rows shows the whole district and little else."""
    pixels = rows * _ROW_PIXELS - _FRAME_PIXELS
    return round(log2(_METRES_A_PIXEL * pixels / DISTRICT_METRES), 2)


def markers(name: str, ref_id: str, style: Style, *, tooltip: bool) -> common.MapLayerOptions:
    """A mark for each row of one of the panel's queries."""
    where = common.FrameGeometrySource().mode(cm.FrameGeometrySourceMode.COORDS)
    layer = common.MapLayerOptions().type("markers").name(name).tooltip(tooltip)
    layer.location(where.latitude("latitude").longitude("longitude"))
    layer.filter_data({"id": "byRefId", "options": ref_id})
    return layer.config({"style": style, "showLegend": False})


def coloured(state: str, size: float, otherwise: str) -> Style:
    """Dots with the colour of a state.

    Args:
        state: The column.
        size: Radius in pixels.
        otherwise: Colour of what has none.
    """
    return dot(otherwise, size, opacity=0.85) | {"color": {"field": state, "fixed": otherwise}}


def dot(colour: str, size: float, *, opacity: float = 0.8) -> Style:
    """Dots of one colour; the radius in pixels."""
    return {
        "size": {"fixed": size, "min": 1, "max": 15},
        "color": {"fixed": colour},
        "opacity": opacity,
        "symbol": _CIRCLE,
    }


def label(column: str, colour: str) -> Style:
    """Names without a mark."""
    return dot(colour, 1, opacity=1) | {
        "text": {"field": column, "fixed": "", "mode": "field"},
        "textConfig": {"fontSize": 11, "offsetX": 0, "offsetY": 0, "textAlign": "center", "textBaseline": "middle"},
    }
